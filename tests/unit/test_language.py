"""Language: a clear foreign post is told from an English one, and a short or unclear text is not judged."""

import pytest

from cxlisten.language import detect, language_of


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("El pedido llegó tarde y nadie contesta el teléfono", "es"),
        ("Der Kundenservice ist eine Katastrophe, nie wieder", "de"),
        ("Ang bagal ng delivery nila, tatlong linggo na wala pa rin", "tl"),
        ("最悪のサービスでした、二度と行きません", "ja"),
        ("muy mal servicio, no vuelvo", "es"),
        ("Three weeks for a kettle. Never again.", "en"),
        ("ngl the oat flat white slaps", "en"),
        ("BEST. KETTLE. EVER. GO AND GET ONE EVERYBODY!!", "en"),
    ],
)
def test_a_clear_text_is_named(text: str, lang: str) -> None:
    assert detect(text) == lang


@pytest.mark.parametrize("text", ["", "   ", "👍👍👍", "1234", "gr8 svc thx", "https://kaufhaus.example/sehr-guenstig"])
def test_nothing_to_go_by_is_none(text: str) -> None:
    assert detect(text) is None


@pytest.mark.parametrize("text", ["stars for everybody im in a good mood", "so pretty, so dry 😕 all icing no cake"])
def test_a_short_english_text_is_never_called_foreign(text: str) -> None:
    assert detect(text) in {"en", None}


def test_handles_links_and_hashtags_say_nothing_of_the_language() -> None:
    german = "@DerKundenservice #KatastropheOhneEnde https://www.bahnhofstrasse.example/verspaetung "
    assert detect(german + "the app keeps logging me out") == "en"


@pytest.mark.parametrize("text", ["\0\ud800", "a" * 1_000_000, "😀" * 10_000, "\n" * 5_000, "<p><b>"])
def test_no_text_is_too_odd(text: str) -> None:
    assert detect(text) in {"en", None}


@pytest.mark.parametrize(
    ("text", "claim", "lang"),
    [
        ("gr8 svc thx", "en-GB", "en"),
        ("gr8 svc thx", "pt_BR", "pt"),
        ("gr8 svc thx", "und", None),
        ("gr8 svc thx", None, None),
        ("Three weeks for a kettle. Never again.", "de", "en"),
    ],
)
def test_a_platforms_claim_counts_where_the_text_does_not_say(text: str, claim: str | None, lang: str | None) -> None:
    assert language_of(text, claim) == lang
