"""Readings of a teacher: none is read twice, and they are enough where the teacher is not."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cxlisten.classify import Recipe
from cxlisten.classify.encoder import readings
from cxlisten.classify.encoder.decoding import Piece
from cxlisten.classify.encoder.heads import BY_NAME, WIDTH
from cxlisten.errors import ClassifierError
from cxlisten.taxonomy import RING_NAMES

N_RINGS = len(RING_NAMES)


class Teacher:
    """Reads a text as so many tokens as it has letters; the second piece of a long one must not count.

    It holds half of the first ring for spoken of, and nothing of the second.
    """

    n_read = 0

    def read(self, texts: Sequence[str]) -> list[list[Piece]]:
        self.n_read += len(texts)
        chances = np.full(WIDTH, 0.2, np.float32)
        chances[BY_NAME[RING_NAMES[0]].start], chances[BY_NAME[RING_NAMES[1]].start] = 0.5, 0.99
        return [
            [Piece([], chances * (1 - at), np.full((len(text), N_RINGS), 0.6, np.float32)) for at in range(2)]
            for text in texts
        ]


class Classroom:
    """A trained teacher, and the file where its readings are kept."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.teacher, self.kept = Teacher(), folder / "readings.npz"
        self.recipe = Recipe("cx_teacher", "1", "encoder", folder, {})
        self.graph = folder / "model" / "rings.onnx"
        self.graph.parent.mkdir()
        self.trained_as(b"one")
        (self.graph.parent / "tokenizer.json").write_text("{}")
        monkeypatch.setattr(readings, "load", lambda recipe: self.teacher)

    def trained_as(self, weights: bytes) -> None:
        self.graph.write_bytes(weights)

    def read(self, *texts: str) -> list[int | None]:
        """Give how many tokens were read in each text, none where there is no reading."""
        return [found and len(found[1]) for found in readings.readings_of(self.recipe, texts, self.kept)]


@pytest.fixture
def classroom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    return Classroom(tmp_path, monkeypatch)


def test_no_text_is_read_twice(classroom: Classroom) -> None:
    assert classroom.read("abc", "d", "abc") == [3, 1, 3]
    assert classroom.teacher.n_read == 2
    assert classroom.read("ef", "abc", "d") == [2, 3, 1]
    assert classroom.teacher.n_read == 3


def test_a_teacher_trained_anew_reads_all_again(classroom: Classroom) -> None:
    classroom.read("abc", "d")
    classroom.trained_as(b"two")
    classroom.read("abc")
    assert classroom.teacher.n_read == 3


def test_where_the_teacher_is_not_trained_what_it_read_is_enough(
    classroom: Classroom, caplog: pytest.LogCaptureFixture
) -> None:
    classroom.read("abc", "d")
    classroom.graph.unlink()
    assert classroom.read("d", "abc") == [1, 3]
    assert "no teacher" not in caplog.text
    assert classroom.read("d", "a correction") == [1, None]
    assert "no teacher for 1 of 2 texts" in caplog.text


def test_without_a_teacher_and_its_readings_nothing_is_trained(classroom: Classroom) -> None:
    classroom.graph.unlink()
    with pytest.raises(ClassifierError, match=r"has no readings.*cxlisten train cx_teacher"):
        classroom.read("abc")


def test_chances_are_kept_in_255ths_and_evidence_of_rings_that_are_spoken_of(classroom: Classroom) -> None:
    (reading,) = readings.readings_of(classroom.recipe, ["abc"], classroom.kept)
    assert reading
    chances, marks = reading
    assert chances[BY_NAME["sentiment"].columns].tolist() == [50, 50, 50]
    assert marks[:, :2].tolist() == [[153, 0]] * 3


def test_the_file_is_the_same_in_whatever_order_texts_came(classroom: Classroom) -> None:
    classroom.read("abc", "d")
    first = classroom.kept.read_bytes()
    classroom.kept.unlink()
    classroom.read("d", "abc")
    assert classroom.kept.read_bytes() == first
