"""The teacher's int8 copy for the bulk of the sentences: three times as fast as float32 on one core, mean cosine to it above 0.999.

Everything that is judged, and every vector that is committed, comes from the float32 weights in teacher.py.
"""

import pathlib

import numpy
import onnxruntime
from tokenizers import Tokenizer


class FastTeacher:
    def __init__(self, model: pathlib.Path, tokenizer: pathlib.Path, max_tokens: int = 128):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(model), options)
        self.tokenizer = Tokenizer.from_file(str(tokenizer))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max_tokens)

    def embed(self, texts: list[str], batch_tokens: int = 2048) -> numpy.ndarray:
        sequences = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
        out = numpy.zeros((len(sequences), 384), numpy.float32)
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order) and (end + 1 - start) * len(sequences[order[end]]) <= batch_tokens:
                end += 1
            chosen = order[start:end]
            ids = numpy.zeros((len(chosen), len(sequences[chosen[-1]])), numpy.int64)
            mask = numpy.zeros_like(ids)
            for row, index in enumerate(chosen):
                ids[row, : len(sequences[index])] = sequences[index]
                mask[row, : len(sequences[index])] = 1
            inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
            hidden = self.session.run(None, inputs)[0]
            pooled = (hidden * mask[:, :, None]).sum(1)
            out[chosen] = pooled / numpy.linalg.norm(pooled, axis=1, keepdims=True)
            start = end
        return out
