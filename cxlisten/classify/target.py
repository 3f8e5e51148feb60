"""Target: which of the brands that a post names a ring tag is about."""

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import pyarrow as pa

from cxlisten import query as querying
from cxlisten.classify.brands import Named, brands_of
from cxlisten.models import Query

# The end of a sentence or line, a comma, a turn: what is said on one side of it is seldom of what stands on the other.
_border = re.compile(r"[.!?…]+(?=\s)|[\n;,]|\b(?:but|although|though|however|yet|whereas|while)\b", re.I)
# What stands behind these words is what the other is held against.
_foil = re.compile(
    r"\b(?:than|unlike|vs\.?|versus|instead of|rather than|compared (?:to|with)|as opposed to"
    r"|(?:switched|moved|changed|came) (?:over )?from)\s+(?:at |with |from |the )*[@#\uff20\uff03]?$",
    re.I,
)
_FOIL_CHARS = 40  # enough for the longest of them
_and = re.compile(r"[\s,&/+@#\uff20\uff03]*(?:\b(?:and|or|nor)\b)?[\s@#\uff20\uff03]*", re.I)


class Targets:
    """Says which brand each ring tag is about, in the posts that name several of those that are listened for.

    A brand is named only where one of its queries also finds it in the text: "next week" is not about Next. Where a
    query finds a brand that goes unnamed, as in the reviews of a shop, nobody can tell what is said of that one.
    """

    def __init__(self, queries: Sequence[Query]) -> None:
        """Take what is listened for; raises InputError for a name that cannot tell a brand from another."""
        self._queries = {query.brand: query.name for query in reversed(queries)}
        if len(self._queries) > 1:
            self._brands = brands_of(queries)
            self._matchers: dict[str, list[querying.Matcher]] = defaultdict(list)
            for query in queries:
                self._matchers[query.brand].append(querying.compile(query.terms))

    def fill(self, tags: pa.RecordBatch, texts: pa.RecordBatch) -> pa.RecordBatch:
        """Fill in, in tags of schema TAGS, the first query of the brand that each is about, as brands may be renamed.

        `texts` has schema TEXTS and the same rows. A tag about no one brand, or of a post that names but one, has none.
        """
        if len(self._queries) < 2:
            return tags
        rings = tags["rings"].to_pylist()
        for text, lang, of_post in zip(texts["text"].to_pylist(), tags["lang"].to_pylist(), rings, strict=True):
            named = self._named(text, lang) if of_post else []
            if len({each.brand for each in named}) > 1:
                for tag in of_post:
                    brand = target(text, named, (tag["evidence_start"], tag["evidence_end"]))
                    tag["target"] = brand and self._queries[brand]
        column = tags.schema.get_field_index("rings")
        return tags.set_column(column, tags.schema.field(column), pa.array(rings, tags.schema.field(column).type))

    def _named(self, text: str, lang: str | None) -> list[Named]:
        named = self._brands.find(text)
        brands = {each.brand for each in named}
        if len(brands) < 2:
            return []
        matched = {
            brand for brand, queries in self._matchers.items() if any(each.matches(text, lang=lang) for each in queries)
        }
        return [each for each in named if each.brand in matched] if matched <= brands else []


def target(text: str, named: Sequence[Named], evidence: tuple[int, int]) -> str | None:
    """Give the brand that a tag with this evidence is about; null where the text names none or does not tell.

    `named` is in text order. The brand in the evidence itself comes first, then the nearest in the same clause, before
    it rather than behind, then the nearest in the text. Brands named in one breath, "A and B", share the tag: null. The
    one that another is only held against, "cheaper than B", is not what is spoken of. Evidence that turns from
    one to another, "A is slow but B is not", does not tell: null.
    """
    if len({each.brand for each in named}) < 2:
        return named[0].brand if named else None
    spoken_of = [each for each in named if not _is_foil(text, each)] or named
    start, end = evidence
    within = [each for each in spoken_of if each.end > start and each.start < end]
    if any(a.brand != b.brand and _border.search(text, a.end, b.start) for a, b in pairwise(within)):
        return None
    before = [each for each in spoken_of if each.end <= start][::-1]
    after = [each for each in spoken_of if each.start >= end]
    near_before = [each for each in before if not _border.search(text, each.end, start)]
    near_after = [each for each in after if not _border.search(text, end, each.start)]
    nearest = (within or near_before or near_after or before or after)[0]
    breath = _same_breath(text, named, nearest)
    return nearest.brand if len(breath) == 1 else None


def _is_foil(text: str, named: Named) -> bool:
    return bool(_foil.search(text[max(0, named.start - _FOIL_CHARS) : named.start]))


def _same_breath(text: str, named: Sequence[Named], one: Named) -> set[str]:
    """The brands that are named beside one another in a row that holds this one."""
    row: list[Named] = []
    for each in named:
        if row and not _and.fullmatch(text, row[-1].end, each.start):
            if one in row:
                break
            row = []
        row.append(each)
    return {each.brand for each in row} if one in row else {one.brand}
