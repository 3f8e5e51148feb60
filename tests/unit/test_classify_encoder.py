"""What the heads say becomes tags; an artefact that is not the one named is refused."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cxlisten.classify import Recipe
from cxlisten.classify.encoder.artefact import GRAPH, TOKENIZER, find_model, fingerprint
from cxlisten.classify.encoder.decoding import Piece, chances_of, decode
from cxlisten.classify.encoder.heads import BY_NAME, HEADS, WIDTH
from cxlisten.errors import ClassifierError
from cxlisten.taxonomy import FACETS, RING_NAMES, Benefit, Noise, Sentiment

LEAST = {
    "ring": dict.fromkeys(RING_NAMES, 0.5),
    "facet": 0.4,
    "noise": dict.fromkeys(Noise, 0.5),
    "benefits": 0.5,
    "signals": 0.5,
    "evidence": 0.4,
}
EVEN = np.ones(len(Sentiment), np.float32)
RING, OTHER = RING_NAMES[2], RING_NAMES[4]
TEXT = "Gorgeous shop, rude staff"
OFFSETS = [(0, 0), (0, 8), (9, 13), (13, 14), (15, 19), (20, 25), (0, 0)]


def chances(**said: float) -> NDArray[np.float32]:
    """Say what is likely as `head__label=chance`; rings are absent else."""
    row = np.zeros(WIDTH, np.float32)
    for ring in RING_NAMES:
        row[BY_NAME[ring].start] = 1
    for name, chance in said.items():
        head, label = name.split("__")
        row[BY_NAME[head].start + BY_NAME[head].labels.index(label.replace("_of_", "."))] = chance
    return row


def evidence(marked: range, ring: str = RING) -> NDArray[np.float32]:
    rows = np.full((len(OFFSETS), len(RING_NAMES)), 0.1, np.float32)
    rows[list(marked), RING_NAMES.index(ring)] = 0.9
    return rows


def test_the_columns_of_the_heads_lie_side_by_side() -> None:
    assert [head.start for head in HEADS[1:]] == [head.columns.stop for head in HEADS[:-1]]
    assert HEADS[-1].columns.stop == WIDTH


def test_chances_are_those_of_their_head() -> None:
    row = chances_of(np.random.default_rng(1).normal(size=(3, WIDTH)).astype(np.float32))
    for head in HEADS:
        assert ((row[:, head.columns] > 0) & (row[:, head.columns] < 1)).all()
        if head.exclusive:
            assert np.allclose(row[:, head.columns].sum(axis=1), 1)


def test_a_ring_is_tagged_with_its_attitude_facets_and_evidence() -> None:
    facet = FACETS[RING][0]
    said = {
        f"{RING}__absent": 0.2, f"{RING}__negative": 0.6, f"{RING}__positive": 0.2, "sentiment__negative": 0.7,
        f"facets__{RING}_of_{facet}": 0.8, f"facets__{OTHER}_of_{FACETS[OTHER][0]}": 0.9, "benefits__emotional": 0.6,
    }  # fmt: skip
    tagged = decode(TEXT, "en", [Piece(OFFSETS, chances(**said), evidence(range(4, 6)))], LEAST, EVEN)
    (tag,) = tagged.rings
    assert (tag.ring, tag.sentiment, tag.facets) == (RING, Sentiment.NEGATIVE, (facet,))
    assert tag.score == pytest.approx(0.8)
    assert TEXT[slice(*tag.evidence)] == "rude staff"
    assert (tagged.sentiment, tagged.benefits, tagged.noise) == (Sentiment.NEGATIVE, (Benefit.EMOTIONAL,), ())


def test_evidence_is_whole_words_and_never_nothing() -> None:
    said = {f"{RING}__absent": 0.1, f"{RING}__negative": 0.9}
    whole = decode(TEXT, "en", [Piece(OFFSETS, chances(**said), evidence(range(2, 3)))], LEAST, EVEN)
    none = decode(TEXT, "en", [Piece(OFFSETS, chances(**said), evidence(range(0)))], LEAST, EVEN)
    assert TEXT[slice(*whole.rings[0].evidence)] == "shop,"
    assert TEXT[slice(*none.rings[0].evidence)].strip()


def test_a_ring_that_one_piece_of_a_long_post_speaks_of_is_the_posts() -> None:
    silent = Piece(OFFSETS, chances(sentiment__neutral=1), evidence(range(0)))
    later = [(a + 26, b + 26) if b else (0, 0) for a, b in OFFSETS]
    said = {f"{RING}__absent": 0.1, f"{RING}__positive": 0.9, "sentiment__positive": 0.4}
    telling = Piece(later, chances(**said), evidence(range(1, 3)))
    tagged = decode(f"{'x' * 25} {TEXT}", "en", [silent, telling], LEAST, EVEN)
    assert [(tag.ring, tag.sentiment, tag.evidence) for tag in tagged.rings] == [(RING, "positive", (26, 40))]
    assert tagged.sentiment == "neutral"


def test_an_artefact_must_be_the_one_named(tmp_path: Path) -> None:
    recipe = Recipe("mine", "1", "encoder", tmp_path, {"sha256": "0" * 64})
    with pytest.raises(ClassifierError, match="train it first:  cxlisten train mine --data DIR"):
        find_model(recipe)
    (tmp_path / "model").mkdir()
    for name in (GRAPH, TOKENIZER):
        (tmp_path / "model" / name).write_text("not what was trained")
    with pytest.raises(ClassifierError, match="is not the artefact that"):
        find_model(recipe)
    recipe.settings["sha256"] = fingerprint(tmp_path / "model")
    assert find_model(recipe) == tmp_path / "model"
    del recipe.settings["sha256"]
    assert find_model(recipe) == tmp_path / "model", "its own, where the recipe names none"


def test_a_sentiment_weighs_as_the_recipe_says_and_keeps_its_chance() -> None:
    row = chances(sentiment__positive=0.2, sentiment__neutral=0.45, sentiment__negative=0.35)
    light = np.array([0.7 if attitude == "neutral" else 1 for attitude in BY_NAME["sentiment"].labels], np.float32)
    piece = Piece(OFFSETS, row, evidence(range(0)))
    assert decode(TEXT, "en", [piece], LEAST, EVEN).sentiment == "neutral"
    tagged = decode(TEXT, "en", [piece], LEAST, light)
    assert tagged.sentiment == "negative"
    assert tagged.sentiment_score == pytest.approx(0.35)
