"""Teaching: known and taught are mixed, the unknown is taught, and what was read once is not read again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cxlisten.classify.encoder import teaching
from cxlisten.classify.encoder.decoding import Piece
from cxlisten.classify.encoder.examples import Example
from cxlisten.classify.encoder.heads import BY_NAME, WIDTH
from cxlisten.taxonomy import RING_NAMES

N_RINGS = len(RING_NAMES)


def test_the_known_is_mixed_and_the_unknown_taught() -> None:
    """Of the first ring the post speaks, of the second it does not; of the third the teacher says that it does."""
    states, overall, facets = [BY_NAME[ring] for ring in RING_NAMES], BY_NAME["sentiment"], BY_NAME["facets"]
    truth, marks = np.full(WIDTH, np.nan, np.float32), np.full((3, N_RINGS), np.nan, np.float32)
    truth[states[0].columns], truth[states[1].columns] = (0, 1, 0, 0), (1, 0, 0, 0)
    truth[overall.start], marks[1, 0] = 1, 1
    said, said_marks = np.full(WIDTH, 0.5, np.float16), np.full((3, N_RINGS), 0.25, np.float16)
    example = Example(np.arange(3, dtype=np.int32), truth, marks, 1.5)
    (taught,) = teaching.taught([example], [(said, said_marks)], 0.4, {"sentiment": 0.2})
    assert taught.truth[states[0].columns] == pytest.approx([0.2, 0.8, 0.2, 0.2])
    assert taught.truth[states[1].columns] == pytest.approx([0.8, 0.2, 0.2, 0.2])
    assert taught.truth[states[2].columns] == pytest.approx([0.5] * 4)
    assert taught.truth[overall.start] == pytest.approx(0.9)
    assert taught.evidence[:, 0] == pytest.approx([0.25, 0.7, 0.25])
    assert taught.evidence[:, 2] == pytest.approx([0.25] * 3)
    asked = [RING_NAMES.index(label.split(".")[0]) != 1 for label in facets.labels]
    assert (~np.isnan(taught.truth[facets.columns])).tolist() == asked
    assert np.isnan(taught.evidence[:, 1]).all()
    assert taught.weight == 1.5


class Teacher:
    """Reads a text as so many tokens as it has letters; the second piece of a long one must not count."""

    n_read = 0

    def read(self, texts: Sequence[str]) -> list[list[Piece]]:
        self.n_read += len(texts)
        return [
            [
                Piece([], np.full(WIDTH, len(text), np.float32), np.full((len(text), N_RINGS), at, np.float32))
                for at in range(2)
            ]
            for text in texts
        ]


def test_readings_are_kept_for_a_training_that_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher, kept = Teacher(), tmp_path / "teacher.npz"
    monkeypatch.setattr(teaching, "load", lambda recipe: teacher)
    monkeypatch.setattr(teaching, "fingerprint", lambda folder: "one")

    def read(*texts: str) -> list[tuple[int, float]]:
        readings: Any = teaching.teacher_readings("cx_spacy", texts, kept)
        return [(len(marks), float(chances[0])) for chances, marks in readings]

    assert read("abc", "d", "ef") == [(3, 3.0), (1, 1.0), (2, 2.0)]
    assert read("abc", "d", "ef") == [(3, 3.0), (1, 1.0), (2, 2.0)]
    assert teacher.n_read == 3
    assert read("abc", "d") == [(3, 3.0), (1, 1.0)]
    assert teacher.n_read == 5
