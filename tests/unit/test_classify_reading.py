"""Reading: sentences, cues and features point into the text as it was, and depend on nothing but its words."""

import json
from pathlib import Path

import numpy as np
import pytest

from cxlisten.classify import DEFAULT_RECIPE, load_classifier
from cxlisten.classify.cues import Cues
from cxlisten.classify.evidence import evidence
from cxlisten.classify.reading import READ_CHARS, Reader, Reading
from cxlisten.errors import ClassifierError

PATTERNS = [
    {"label": "people.manner", "pattern": [{"LOWER": {"IN": ["rude", "curt"]}}]},
    {"label": "process.wait", "pattern": [{"LOWER": "on"}, {"LOWER": "hold"}, {"LOWER": "again", "OP": "?"}]},
    {"label": "price.level", "pattern": [{"LIKE_NUM": True}, {"LOWER": {"IN": ["quid", "bucks"]}}]},
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    folder = tmp_path_factory.mktemp("patterns")
    lines = [json.dumps(pattern) for pattern in PATTERNS]
    (folder / "some.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return Reader(folder)


def read(reader: Reader, text: str) -> Reading:
    return reader.read([text])[0]


def test_sentences_and_cues_are_spans_of_the_text(reader: Reader) -> None:
    text = "  Café 😀 was fine.\nOn HOLD again, 12 quid!  Rude."
    found = read(reader, text)
    assert [text[s.start : s.end] for s in found.sentences] == ["Café 😀 was fine.", "On HOLD again, 12 quid!", "Rude."]
    cues = {(cue.label, text[cue.start : cue.end]) for cue in found.whole.cues}
    assert cues == {("process.wait", "On HOLD again"), ("price.level", "12 quid"), ("people.manner", "Rude")}
    assert [cue.label for cue in found.sentences[2].cues] == ["people.manner"]


def test_a_turn_begins_a_sentence(reader: Reader) -> None:
    text = "the barista was rude but the coffee is great"
    (reading,) = reader.read([text])
    parts = [text[part.start : part.end] for part in reading.sentences]
    assert parts == ["the barista was rude", "but the coffee is great"]


def test_a_mixed_post_keeps_its_two_sentiments() -> None:
    (tagged,) = load_classifier(DEFAULT_RECIPE).engine.tag(["The barista was rude but the coffee is great"], [None])
    assert {tag.ring: tag.sentiment for tag in tagged.rings} == {"people": "negative", "product": "positive"}


def test_a_title_on_its_own_line_is_a_sentence(reader: Reader) -> None:
    text = "Never again\nthey were rude"
    assert [text[s.start : s.end] for s in read(reader, text).sentences] == ["Never again", "they were rude"]


def test_features_depend_on_nothing_but_the_words(reader: Reader) -> None:
    texts = ["They were RUDE on the phone", "on hold", "", "Rude. On hold. Rude."]
    alone = [read(reader, text).whole.row for text in texts]
    together = [one.whole.row for one in reader.read(reversed(texts))]
    for (ids, values), (same_ids, same_values) in zip(alone, reversed(together), strict=True):
        np.testing.assert_array_equal(ids, same_ids)
        np.testing.assert_array_equal(values, same_values)


def test_who_is_addressed_by_handle_does_not_make_another_word(reader: Reader) -> None:
    one, other = (set(read(reader, f"{handle} hi").whole.row[0]) for handle in ("@ab", "@cd"))
    assert one & other >= set(read(reader, "hi").whole.row[0])


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\0", "\ud800", "a" * 1_000_000, "((((" * 20_000, "😀" * 10_000])
def test_no_text_is_too_odd_to_read(reader: Reader, text: str) -> None:
    found = read(reader, text)
    assert 0 <= found.whole.start <= found.whole.end <= READ_CHARS
    assert bool(found.sentences) == bool(text[:READ_CHARS].strip())


def test_evidence_of_a_long_sentence_is_its_cue_and_the_words_beside_it(reader: Reader) -> None:
    text = "we came from the coast to see it and then the man at the till was so rude to my old mum that we all left"
    sentence = read(reader, text).sentences[0]
    start, end = evidence(text, sentence, "people")
    assert text[start:end] == "at the till was so rude to my old mum that"
    assert evidence(text, sentence, "price") == (0, len(text))


def test_evidence_of_a_short_sentence_is_all_of_it(reader: Reader) -> None:
    text = "Lovely tea. So rude though!"
    assert evidence(text, read(reader, text).sentences[1], "people") == (12, len(text))


@pytest.mark.parametrize(
    "line", ["nonsense", "{}", '{"label": "a"}', '{"label": "a", "pattern": [{"LOWER": "b", "OP": "?"}]}']
)
def test_a_line_that_is_no_pattern_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "some.jsonl").write_text(json.dumps(PATTERNS[0]) + "\n" + line, encoding="utf-8")
    with pytest.raises(ClassifierError, match=r"some\.jsonl, line 2"):
        Reader(tmp_path)


def test_a_cue_has_the_same_key_wherever_its_pattern_stands(tmp_path: Path, reader: Reader) -> None:
    (tmp_path / "z.jsonl").write_text(json.dumps(PATTERNS[0]), encoding="utf-8")
    doc = reader.nlp("so rude")
    assert {cue.key for cue in Cues(reader.nlp.vocab, tmp_path).find(doc)} == {cue.key for cue in reader.cues.find(doc)}
