"""Augmentation: new texts made of the parts and words of those at hand, for a teacher to read and a student to learn.

A student that learns only the texts that its teacher read comes to agree with it on those, and less on others. What is
made here need not be true or good English: the teacher says what it speaks of (after Jiao et al., TinyBERT, 2020).
"""

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from cxlisten.classify.encoder.readings import key_of

AUGMENTED = "augmented"
"""What takes the place of a file's name in the posts that are made here."""

_N_NEIGHBOURS = 10
_LEAST_WORDS = 3
_CLAUSE = re.compile(r"(?<=[.!?,;:…])\s+|\n+|\s+(?=(?:and|but|because|so|which|although|however)\b)")
# Not what follows a sign of handles, hashtags and links, nor a part of "haven't" or "well-known".
_WORD = re.compile(r"(?<![\w@#/.'\u2019-])[A-Za-z]{3,}(?!\w|://|['\u2019-]\w)")
_JOINTS = (" ", ". ", ", ", " and ", " but ", "\n")

Neighbours = Mapping[str, Sequence[str]]


def neighbours_of(words: Tensor, tokenizer: Tokenizer) -> Neighbours:
    """Give the ten nearest words of each, by the cosine of their vectors, [ids, width]: "pizza" has "burger".

    The words are those of the tokenizer that are in lower case; texts are looked up in it.
    """
    ids = {word: number for word, number in tokenizer.get_vocab().items() if word.islower() and _WORD.fullmatch(word)}
    names = sorted(ids, key=ids.__getitem__)
    vectors = functional.normalize(words.detach().float()[[ids[name] for name in names]])
    n_near = min(_N_NEIGHBOURS + 1, len(names))
    nearest = [(some @ vectors.T).topk(n_near).indices[:, 1:] for some in vectors.split(2048)]
    return {name: [names[at] for at in row] for name, row in zip(names, torch.cat(nearest).tolist(), strict=True)}


def augmented(
    posts: Sequence[dict[str, Any]], neighbours: Neighbours, copies: Mapping[str, float], seed: int
) -> Iterator[dict[str, Any]]:
    """Make new posts, with no labels: of each as many as `copies` says of its file, or of the `default`, at most.

    A third has other words here and there, a third is part of a post, a third a part of each of two posts of a file; of
    a post of three words or fewer there are only other words. What is there already is not made again. The order of the
    posts does not matter, and one post more changes little of what is made of the others.
    """
    of_file: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for post in posts:
        of_file[post["file"]].append((key_of(post["text"]), post["text"]))
    known = {post["text"] for post in posts}
    for file, texts in of_file.items():
        texts.sort()
        for key, text in texts:
            chance = Random(f"{seed} {key}")
            wanted = copies.get(file, copies["default"])
            for _ in range(int(wanted) + (chance.random() < wanted % 1)):
                _, partner = texts[bisect(texts, (chance.getrandbits(64), "")) % len(texts)]
                new = _make(text, partner, neighbours, chance)
                if new.strip() and new not in known:
                    known.add(new)
                    yield {"text": new, "file": AUGMENTED, "importance": 1.0}


def _make(text: str, partner: str, neighbours: Neighbours, chance: Random) -> str:
    how = chance.randrange(3) if len(text.split()) > _LEAST_WORDS else 0
    if how == 0:
        return _reworded(text, neighbours, 0.3, chance)
    if how == 1:
        return _reworded(_part(text, chance), neighbours, 0.1, chance)
    parts = [_part(text, chance), _part(partner, chance)]
    chance.shuffle(parts)
    return _reworded(chance.choice(_JOINTS).join(parts), neighbours, 0.1, chance)


def _part(text: str, chance: Random) -> str:
    """Take some clauses that follow each other, or where there is but one, some words."""
    clauses = _CLAUSE.split(text)
    units, least = (clauses, 1) if len(clauses) > 1 else (text.split(), _LEAST_WORDS)
    least = min(least, len(units))
    n_units = chance.randint(least, max(len(units) - 1, least))
    start = chance.randint(0, len(units) - n_units)
    return " ".join(units[start : start + n_units])


def _reworded(text: str, neighbours: Neighbours, share: float, chance: Random) -> str:
    def other(found: re.Match[str]) -> str:
        word = found.group()
        near = neighbours.get(word.lower())
        if not near or chance.random() >= share:
            return word
        new = chance.choice(near)
        return new.upper() if word.isupper() else new.capitalize() if word[0].isupper() else new

    return _WORD.sub(other, text)
