"""What is inside one term of a query: a word, phrase, hashtag, handle or field, or what is wrong with it."""

import re

from lark import Token

from cxlisten.query.expression import OPERATORS, Field, Phrase, Tag
from cxlisten.query.fault import Fault
from cxlisten.query.words import ATTACHED, HANDLE, HASHTAG, WORD, fold, fold_tag, split_words

_word = re.compile(rf"{ATTACHED}{WORD}(?:[-.&/_]?{WORD})*+")
_tag = re.compile(f"{HASHTAG}|{HANDLE}")
_near = re.compile(r"NEAR/([1-9][0-9]{0,2})")

# What people mean by a sign that is not in the language.
_ADVICE = {
    "*": "it can only end a word, as in  coff*",
    "-": "for the absence of a word write  NOT giveaway",
    "!": "for the absence of a word write  NOT giveaway",
    "+": "two words side by side must both be there; around text put quotes",
    "|": "between alternatives write  OR",
    "&": "between parts that must all be there write  AND",
    ",": "between alternatives write  OR",
    ";": "between alternatives write  OR",
    "~": "for words close together write  NEAR/5",
    "'": 'around a phrase put  "double quotes"',
}


def read_term(token: Token) -> Phrase | Tag:
    """Read an unquoted word, prefix, hashtag or handle; "wi-fi" and the like are words in a row."""
    stem = token.removesuffix("*")
    is_prefix = stem != token
    if stem[:1] in set("#\uff03@\uff20"):
        name = fold_tag(stem) if _tag.fullmatch(stem) else ""
        if not name:
            raise Fault(token.start_pos, f"{token[0]} needs a name of letters, digits and _ right after it")
        return Tag("#" if name[0] == "#" else "@", name[1:], is_prefix)
    if fold(token) in OPERATORS or re.fullmatch("near/[0-9]+", fold(token)):
        advice = f'in capitals if it joins two parts, or "{token}" in quotes if it is a word'
        raise Fault(token.start_pos, f"write {token.upper()} {advice}")
    read = _word.match(stem)
    if not read or read.end() < len(stem):
        end = read.end() if read else 0
        sign = token[end]
        advice = _ADVICE.get(sign, "around text with signs put quotes; emoji cannot be searched")
        raise Fault((token.start_pos or 0) + end, f"{sign!r} has no meaning here: {advice}")
    return Phrase(split_words(stem), is_prefix)


def read_phrase(token: Token) -> Phrase:
    """Read a quoted phrase: signs between its words do not count."""
    quoted = token[1:-1].strip()
    stem = quoted.removesuffix("*")
    if "*" in stem or stem != stem.rstrip():
        raise Fault(token.start_pos, 'in a phrase * can only end the last word, as in  "iced coff*"')
    words = split_words(stem)
    if not words:
        raise Fault(token.start_pos, "this phrase has no letter or digit, and signs and emoji cannot be searched")
    return Phrase(words, is_prefix=stem != quoted)


def read_field(token: Token) -> Field:
    """Read source:NAME or lang:CODE."""
    name, _, quoted = token.partition(":")
    value = " ".join(quoted.strip('"“”„').casefold().split())
    match name.casefold():
        case "source" if value:
            return Field("source", value)
        case "lang" if re.fullmatch("[a-z]{2,3}", language_of(value)):
            return Field("lang", language_of(value))
        case "source":
            raise Fault(token.start_pos, "source: needs a name right after the colon, as in  source:reviews")
        case "lang":
            raise Fault(token.start_pos, "lang: needs a code of two or three letters, as in  lang:en")
    raise Fault(token.start_pos, f"there is no {name}: to ask for, only source: and lang:; around text put quotes")


def read_distance(token: Token) -> int:
    """Read the n of NEAR/n."""
    read = _near.fullmatch(token)
    if not read:
        raise Fault(token.start_pos, "NEAR needs a number of words from 1 to 999, as in  NEAR/5")
    return int(read[1])


def language_of(code: str) -> str:
    """Give the primary subtag of a language code: "en" of en-GB and EN_us."""
    return re.split("[-_]", code.strip(), maxsplit=1)[0].casefold()
