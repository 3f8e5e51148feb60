"""The spaCy components: found by name, batched, and still there after a trip to disk or to another process."""

import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin

from cxlisten.content import content_dir
from cxlisten.errors import ClassifierError

TEXT = "Gorgeous shop, @BrightWingHelp, but the girl at the till was rude."
BRANDS = {"Bright Wing": ["@wing"]}


@pytest.fixture(scope="module")
def nlp() -> Any:
    """A pipeline as anybody would make it: spaCy knows the names from the package's entry points."""
    nlp = spacy.blank("en")
    nlp.add_pipe("cx_brands", config={"brands": BRANDS})
    nlp.add_pipe("cx_rings", config={"recipe": "cx_spacy"})
    return nlp


def said(doc: Any) -> tuple[Any, ...]:
    return doc._.cx_rings, doc._.cx_sentiment, doc._.cx_noise, [(s.label_, s.text) for s in doc.spans["cx_rings"]]


def test_a_doc_has_its_tags_with_their_evidence(nlp: Any) -> None:
    doc = nlp(TEXT)
    assert {tag["ring"]: tag["sentiment"] for tag in doc._.cx_rings} == {"people": "negative", "place": "positive"}
    assert (doc._.cx_sentiment, doc._.cx_noise) == ("negative", [])
    spans = {span.label_: span.text for span in doc.spans["cx_rings"]}
    assert spans == {"people": "but the girl at the till was rude.", "place": "Gorgeous shop, @BrightWingHelp,"}


def test_a_doc_has_the_brands_that_it_names(nlp: Any) -> None:
    doc = nlp(TEXT)
    (span,) = doc.spans["cx_brands"]
    assert (span.label_, span.kb_id_, span.text) == ("BRAND", "Bright Wing", "@BrightWingHelp")


def test_batches_and_processes_make_no_difference(nlp: Any) -> None:
    texts = [TEXT, "", "when does the sale start?"] * 2
    one_by_one = [said(nlp(text)) for text in texts]
    assert [said(doc) for doc in nlp.pipe(texts, batch_size=4)] == one_by_one
    assert [said(doc) for doc in nlp.pipe(texts, n_process=2, batch_size=2)] == one_by_one


def test_a_pipeline_is_the_same_after_disk_and_pickle(nlp: Any, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "nlp")
    for again in (spacy.load(tmp_path / "nlp"), pickle.loads(pickle.dumps(nlp))):
        doc = again(TEXT)
        assert said(doc) == said(nlp(TEXT))
        assert [span.kb_id_ for span in doc.spans["cx_brands"]] == ["Bright Wing"]


def test_a_doc_can_be_kept(nlp: Any) -> None:
    kept = DocBin(store_user_data=True, docs=[nlp(TEXT)]).to_bytes()
    (doc,) = DocBin().from_bytes(kept).get_docs(nlp.vocab)
    assert [tag["ring"] for tag in doc._.cx_rings] == ["people", "place"]
    assert [span.kb_id_ for span in doc.spans["cx_brands"]] == ["Bright Wing"]


def test_an_unknown_recipe_is_said() -> None:
    with pytest.raises(ClassifierError, match='no recipe "oracle"'):
        spacy.blank("en").add_pipe("cx_rings", config={"recipe": "oracle"})


def test_the_example_says_what_its_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    page = (content_dir("classifiers") / "README.md").read_text(encoding="utf-8")
    code, output = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", page, re.S)[0]
    exec(code, {})
    assert capsys.readouterr().out == output
