"""Bench of a recipe: its speed beside the alternative's and the machine's limit, its start, memory and sameness."""

import logging
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cxlisten.bench import alternative, limit
from cxlisten.bench.clock import Contender, Pace, race, ratio, speed
from cxlisten.bench.fresh import tag_in_fresh_process
from cxlisten.bench.machine import Neighbours, describe
from cxlisten.bench.posts import Sample, batches, take
from cxlisten.bench.sameness import Labels, differing, labels
from cxlisten.classify import Classifier, Recipe, executors, load_classifier, load_recipe, recipe_names
from cxlisten.classify.encoder.artefact import GRAPH, TOKENIZER

_T = TypeVar("_T")

log = logging.getLogger(__name__)

_SERIAL, _POOL, _ONE_BY_ONE = "serial", "pool", "one by one"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: posts and rounds, and how many posts where each takes long."""

    posts: int = 20_000
    rounds: int = 3
    one_by_one: int = 2_000
    pipeline: int = 200
    streams: tuple[int, ...] = (20_000, 100_000)


SIZES = Sizes()


@dataclass(frozen=True, slots=True)
class _Raced:
    """What came of the rounds: the paces, how each post was first labelled, and who was labelled otherwise where."""

    paces: dict[str, list[Pace]] = field(default_factory=lambda: defaultdict(list))
    first: dict[str, Labels] = field(default_factory=dict)
    differing: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def bench_classify(name: str, path: Path | None, sizes: Sizes) -> dict[str, Any]:
    """Measure a recipe on the posts of a JSONL file, else of the demo; raises InputError for a file of no posts.

    It takes minutes, and the machine should have nothing else to do.
    """
    machine, neighbours = describe(), Neighbours()
    log.info("bench    %s in fresh processes", name)
    first_tag, *streams = (tag_in_fresh_process(name, path, n) for n in (1, *sizes.streams))
    classifier, posts = load_classifier(name), list(take(path, sizes.posts))
    model, tokenizer = classifier.recipe.folder / "model" / GRAPH, _tokenizer(classifier.recipe)
    left_out = [why for why in (alternative.lack(tokenizer), limit.lack(model)) if why]
    shapes = None if limit.lack(model) else limit.read_shapes(model)

    ours = _ours(classifier, posts, sizes)
    others: list[Contender] = []
    if tokenizer and not alternative.lack(tokenizer):
        others = alternative.pipelines(tokenizer, _of_all_lengths(posts, sizes.pipeline))
    raced = _race([*ours, *others, *([limit.products(shapes)] if shapes else [])], sizes.rounds)
    paces = raced.paces

    read = [post.text for post in posts if raced.first[post.id].sentiment]
    n_tokens = _n_tokens(tokenizer, read) if tokenizer else []
    return {
        "recipe": name,
        "version": classifier.recipe.version,
        "machine": {**machine, "others": neighbours.cores()},
        "rounds": sizes.rounds,
        "posts": {
            "from": path.name if path else "demo", "n": len(posts), "n_read": len(read), "n_tokens": sum(n_tokens)
        },
        "first_tag": asdict(first_tag),
        "peak_mb": {str(n): one.peak_mb for n, one in zip(sizes.streams, streams, strict=True)},
        "speed": {each.name: {"n": each.n, **speed(paces[each.name])} for each in (*ours, *others)},
        "ratio": {
            way: {other.name: ratio(paces[way], paces[other.name]) for other in others} for way in (_SERIAL, _POOL)
        },
        "limit": shapes and limit.share(shapes, n_tokens, len(read), paces[_SERIAL], paces[limit.NAME]),
        "differing": {way: len(which) for way, which in raced.differing.items()},
        "left_out": left_out,
    }  # fmt: skip


def _race(contenders: Sequence[Contender], rounds: int) -> _Raced:
    raced = _Raced()
    for turn in race(contenders, rounds):
        log.info("bench    round %d of %d: %s, %.3g/s", turn.round + 1, rounds, turn.name, turn.pace.wall)
        raced.paces[turn.name].append(turn.pace)
        if turn.name in (_SERIAL, _POOL, _ONE_BY_ONE):
            found = labels(turn.result)
            if not raced.first:
                raced.first.update(found)
            way = "shuffled" if turn.name == _SERIAL else turn.name
            raced.differing[way] |= differing(raced.first, found)
    return raced


def _ours(classifier: Classifier, posts: Sequence[Sample], sizes: Sizes) -> list[Contender]:
    """The recipe in this process, on all cores, and post by post; each round but the first has an order of its own."""
    orders = [random.Random(n).sample(posts, len(posts)) if n else posts for n in range(sizes.rounds)]
    rounds = [list(batches(order)) for order in orders]
    single = [batch for post in _some(posts, sizes.one_by_one) for batch in batches([post])]
    classifier.classify(single[0])  # what is only loaded when it is needed
    name = classifier.recipe.name
    return [
        Contender(_SERIAL, len(posts), lambda n: [classifier.classify(batch) for batch in rounds[n]]),
        Contender(_POOL, len(posts), lambda n: list(executors.run(name, rounds[n], "pool"))),
        Contender(_ONE_BY_ONE, len(single), lambda _: [classifier.classify(batch) for batch in single]),
    ]


def _of_all_lengths(posts: Sequence[Sample], n: int) -> list[str]:
    """Take the texts of some posts that are as long as all of them are, in no order."""
    texts = _some(sorted((post.text for post in posts), key=len), n)
    return random.Random(0).sample(texts, n)


def _some(of: Sequence[_T], n: int) -> list[_T]:
    """Take `n` of them, evenly."""
    return [of[i * len(of) // n] for i in range(n)]


def _tokenizer(recipe: Recipe) -> Path | None:
    """The recipe's own, or the first that another has."""
    folders = [recipe.folder, *(load_recipe(name).folder for name in recipe_names())]
    return next((path for folder in folders if (path := folder / "model" / TOKENIZER).is_file()), None)


def _n_tokens(tokenizer: Path, texts: Sequence[str]) -> list[int]:
    """Count the tokens of each text; a long one is read in pieces, which count each."""
    from tokenizers import Tokenizer

    encodings = Tokenizer.from_file(str(tokenizer)).encode_batch(list(texts))
    return [len(part) for whole in encodings for part in (whole, *whole.overflowing)]
