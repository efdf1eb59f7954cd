"""The teacher: all-MiniLM-L6-v2 (Apache-2.0), run from its safetensors in float32 with numpy alone.

Written out because the one thing needed is a forward pass, and torch would be three gigabytes of install for it.
"""

import json
import pathlib

import numpy
from safetensors.numpy import load_file
from scipy.special import erf
from tokenizers import Tokenizer

HEADS = 12
MAX_TOKENS = 256  # the teacher's own max_seq_length


class Teacher:
    def __init__(self, folder: pathlib.Path):
        self.weights = {name: value.astype(numpy.float32) for name, value in load_file(folder / "model.safetensors").items()}
        self.layers = json.loads((folder / "config.json").read_text())["num_hidden_layers"]
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_TOKENS)

    def embed(self, texts: list[str], batch_tokens: int = 2048) -> numpy.ndarray:
        """One unit-length row a text, in the order of `texts`. Texts of like length run together, so that little is padding."""
        return self.embed_ids([encoding.ids for encoding in self.tokenizer.encode_batch(texts)], batch_tokens)

    def embed_ids(self, sequences: list[list[int]], batch_tokens: int = 2048) -> numpy.ndarray:
        order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
        out = numpy.zeros((len(sequences), self.weights["embeddings.LayerNorm.weight"].shape[0]), numpy.float32)
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order) and (end + 1 - start) * len(sequences[order[end]]) <= batch_tokens:
                end += 1
            chosen = order[start:end]
            width = len(sequences[chosen[-1]])
            ids = numpy.zeros((len(chosen), width), numpy.int64)
            mask = numpy.zeros((len(chosen), width), numpy.float32)
            for row, index in enumerate(chosen):
                ids[row, : len(sequences[index])] = sequences[index]
                mask[row, : len(sequences[index])] = 1
            out[chosen] = self._forward(ids, mask)
            start = end
        return out

    def _forward(self, ids: numpy.ndarray, mask: numpy.ndarray) -> numpy.ndarray:
        weights = self.weights
        count, width = ids.shape
        hidden = (
            weights["embeddings.word_embeddings.weight"][ids]
            + weights["embeddings.position_embeddings.weight"][:width]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        hidden = self._norm(hidden, "embeddings.LayerNorm")
        bias = ((1 - mask) * -1e9)[:, None, None, :]
        size = hidden.shape[-1]
        for layer in range(self.layers):
            at = f"encoder.layer.{layer}"
            split = lambda name: self._linear(hidden, f"{at}.attention.self.{name}").reshape(count, width, HEADS, -1).transpose(0, 2, 1, 3)
            scores = split("query") @ split("key").transpose(0, 1, 3, 2) / numpy.sqrt(numpy.float32(size / HEADS)) + bias
            scores = numpy.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            mixed = (scores @ split("value")).transpose(0, 2, 1, 3).reshape(count, width, size)
            hidden = self._norm(self._linear(mixed, f"{at}.attention.output.dense") + hidden, f"{at}.attention.output.LayerNorm")
            inner = self._linear(hidden, f"{at}.intermediate.dense")
            inner = inner * 0.5 * (1 + erf(inner / numpy.float32(numpy.sqrt(2))))
            hidden = self._norm(self._linear(inner, f"{at}.output.dense") + hidden, f"{at}.output.LayerNorm")
        pooled = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return pooled / numpy.linalg.norm(pooled, axis=1, keepdims=True)

    def _linear(self, value: numpy.ndarray, name: str) -> numpy.ndarray:
        flat = value.reshape(-1, value.shape[-1]) @ self.weights[f"{name}.weight"].T
        return flat.reshape(*value.shape[:-1], -1) + self.weights[f"{name}.bias"]

    def _norm(self, value: numpy.ndarray, name: str) -> numpy.ndarray:
        value = value - value.mean(-1, keepdims=True)
        value /= numpy.sqrt((value * value).mean(-1, keepdims=True) + numpy.float32(1e-12))
        return value * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
