"""Writes what the teacher's own tokenizer says about thousands of texts: test/fixtures/embedding/tokens.jsonl.gz, one [text, "pieces"] a line.

The texts are this repository's own (its pages, the quality set) and strings drawn from a seeded generator over many scripts, because other people's
sentences are not ours to ship. Unknown words are left out of the pieces, as the table leaves them out.
"""

import gzip
import json
import pathlib
import random
import re
import unicodedata

from tokenizers import Tokenizer

# Assigned long ago: tokenizers and Node follow different versions of Unicode, and what neither can embed proves nothing.
SCRIPTS = {
    "latin": (0x41, 0x24F),
    "greek": (0x386, 0x3CE),
    "cyrillic": (0x400, 0x45F),
    "hebrew": (0x5D0, 0x5EA),
    "arabic": (0x621, 0x64A),
    "devanagari": (0x905, 0x939),
    "hangul": (0xAC00, 0xAC80),
    "kana": (0x3041, 0x30F6),
    "ideographs": (0x4E00, 0x4F00),
    "marks": (0x300, 0x341),
    "punctuation": (0x2010, 0x2049),
    "ascii": (0x00, 0x7F),
    "symbols": (0x20A0, 0x20B5),
    "full width": (0xFF01, 0xFF5E),
    "emoji": (0x1F600, 0x1F640),
}


def oracle_texts(root: pathlib.Path, seed: int) -> list[str]:
    texts: list[str] = []
    for line in (root / "test/fixtures/retrieval/rules-and-tasks.jsonl").read_text().splitlines():
        row = json.loads(line)
        texts += [row[key] for key in ("text", "content", "applies_when") if row.get(key)]
    for page in ("README.md", "AGENTS.md", "CHANGELOG.md"):
        texts += [line.strip() for line in (root / page).read_text().splitlines() if 3 <= len(line.strip()) <= 400]
    draw = random.Random(seed)
    words = sorted({word for text in texts for word in re.findall(r"\w+", text)})
    for _ in range(2500):
        pieces = []
        for _ in range(draw.randint(1, 12)):
            low, high = SCRIPTS[draw.choice(list(SCRIPTS))] if draw.random() < 0.5 else SCRIPTS["ascii"]
            run = "".join(chr(draw.randint(low, high)) for _ in range(draw.randint(1, 8)))
            pieces.append(draw.choice([run, draw.choice(words), draw.choice(words).upper() + run, run + draw.choice(words)]))
        text = draw.choice([" ", "", "\t", "\u00a0", "\u3000", "-"]).join(pieces)
        if all(unicodedata.category(character) not in ("Cn", "Cs") for character in text):
            texts.append(text)
    return list(dict.fromkeys(texts))


def write_oracle(root: pathlib.Path, tokenizer_file: pathlib.Path, seed: int) -> int:
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = oracle_texts(root, seed)
    lines = []
    for text, encoding in zip(texts, tokenizer.encode_batch(texts, add_special_tokens=False)):
        pieces = " ".join(piece for piece in encoding.tokens if piece != "[UNK]")
        lines.append(json.dumps([text, pieces], ensure_ascii=False))
    path = root / "test/fixtures/embedding/tokens.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write(("\n".join(lines) + "\n").encode())
    return len(lines)
