"""Train: labelled posts → the artefact of a recipe."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cxlisten.classify import Recipe
from cxlisten.errors import InputError
from cxlisten.taxonomy import RING_NAMES, Noise, Sentiment

NOISE_WORDS = {"promo": Noise.PROMOTION, "bot": Noise.AUTOMATED, "brand_own": Noise.BRAND_OWN}


def rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def cats(row: dict[str, Any]) -> dict[str, float]:
    """Turn a labelled row into 0/1 labels; a label that is not known is left out."""
    out: dict[str, float] = {}
    for ring in RING_NAMES:
        if ring in row.get("mask", ()):
            continue
        got = row["rings"].get(ring)
        out[ring] = float(got is not None)
        out |= {f"{ring}/{s}": float(got == s) for s in Sentiment}
    if row["sentiment"] in set(Sentiment):
        out |= {s.value: float(row["sentiment"] == s) for s in Sentiment}
    if "noise" in row or "flag" in row:
        noise = NOISE_WORDS.get(row.get("noise") or row.get("flag") or "")
        out |= {n.value: float(n is noise) for n in Noise}
    return out


def train(recipe: Recipe, data_dir: Path) -> Path:
    """Train and write `recipe.folder / "model"`; seeded, so that the same data give the same artefact."""
    import spacy
    from spacy.training import Example

    options = recipe.settings["train"]
    data = rows(data_dir / "rings_real.jsonl") + rows(data_dir / "rings_authored.jsonl")
    spacy.util.fix_random_seed(options["seed"])
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    pipe = nlp.add_pipe(
        "textcat_multilabel",
        config={"threshold": 0.0, "model": {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": False,
                          "ngram_size": 2, "no_output_layer": False, "length": 65536}},
    )
    for label in [*RING_NAMES, *(f"{r}/{s}" for r in RING_NAMES for s in Sentiment), *Sentiment, *Noise]:
        pipe.add_label(str(label))
    examples = [Example.from_dict(nlp.make_doc(r["text"]), {"cats": cats(r)}) for r in data]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = options["learn_rate"]
    shuffle = random.Random(options["seed"])
    for epoch in range(options["epochs"]):
        losses = {}
        shuffle.shuffle(examples)
        for batch in spacy.util.minibatch(examples, options["batch"]):
            nlp.update(batch, sgd=optimizer, drop=options["dropout"], losses=losses)
    nlp.to_disk(recipe.folder / "model", exclude=["vocab"] if False else [])
    return recipe.folder / "model"
