"""Teaching: known and taught are mixed, and the unknown is taught."""

import numpy as np
import pytest

from cxlisten.classify.encoder import teaching
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
    said, said_marks = np.full(WIDTH, 102, np.uint8), np.full((3, N_RINGS), 51, np.uint8)
    example = Example(np.arange(3, dtype=np.int32), truth, marks, 1.5)
    (taught,) = teaching.taught([example], [(said, said_marks)], 0.4, {"sentiment": 0.2})
    assert taught.truth[states[0].columns] == pytest.approx([0.16, 0.76, 0.16, 0.16])
    assert taught.truth[states[1].columns] == pytest.approx([0.76, 0.16, 0.16, 0.16])
    assert taught.truth[states[2].columns] == pytest.approx([0.4] * 4)
    assert taught.truth[overall.start] == pytest.approx(0.88)
    assert taught.evidence[:, 0] == pytest.approx([0.2, 0.68, 0.2])
    assert taught.evidence[:, 2] == pytest.approx([0.2] * 3)
    asked = [RING_NAMES.index(label.split(".")[0]) != 1 for label in facets.labels]
    assert (~np.isnan(taught.truth[facets.columns])).tolist() == asked
    assert np.isnan(taught.evidence[:, 1]).all()
    assert taught.weight == 1.5


def test_heads_and_evidence_may_have_a_share_of_their_own() -> None:
    truth, marks = np.zeros(WIDTH, np.float32), np.zeros((3, N_RINGS), np.float32)
    said, said_marks = np.full(WIDTH, 102, np.uint8), np.full((3, N_RINGS), 51, np.uint8)
    example = Example(np.arange(3, dtype=np.int32), truth, marks, 1.0)
    (taught,) = teaching.taught([example], [(said, said_marks)], 0.4, {"noise": 1.0, "evidence": 0.5})
    assert taught.truth[BY_NAME["noise"].columns] == pytest.approx(0.4)
    assert taught.truth[BY_NAME["sentiment"].columns] == pytest.approx(0.16)
    assert taught.evidence == pytest.approx(np.full((3, N_RINGS), 0.1))


def test_a_post_without_a_reading_is_learned_as_it_is_labelled() -> None:
    example = Example(
        np.arange(3, dtype=np.int32), np.zeros(WIDTH, np.float32), np.zeros((3, N_RINGS), np.float32), 1.0
    )
    assert list(teaching.taught([example], [None], 0.4, {})) == [example]
