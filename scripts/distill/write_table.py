"""Writes the table file that src/embedding/table.ts reads: one float32 scale and `dimensions` int8 values a row, and the vocabulary."""

import hashlib
import pathlib
import struct

import numpy

MAGIC = b"ALVECTOR"
VERSION = 1


def write_table(path: pathlib.Path, rows: numpy.ndarray, vocabulary: list[str]) -> None:
    largest = numpy.abs(rows).max(axis=1)
    scales = (numpy.where(largest > 0, largest, 1) / 127).astype("<f4")
    values = numpy.rint(rows / scales[:, None]).clip(-127, 127).astype(numpy.int8)
    words = "\n".join(vocabulary).encode()
    body = scales.tobytes() + values.tobytes() + words
    head = MAGIC + struct.pack("<4I", VERSION, len(rows), rows.shape[1], len(words)) + hashlib.sha256(body).digest()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + body)
