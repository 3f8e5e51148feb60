"""Which column of a file is what: given by the user, else guessed from the headers that exports use."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cxlisten.errors import InputError

FieldName = Literal[
    "id", "text", "posted_at", "platform", "author", "url", "title", "lang", "kind", "thread",
    "likes", "replies", "reposts", "quotes", "views", "rating",
]  # fmt: skip
METRICS: tuple[FieldName, ...] = ("likes", "replies", "reposts", "quotes", "views", "rating")

# Headers of common exports, the surest first; compared in lower case with _ for all that is no letter or digit.
_HEADERS: dict[FieldName, str] = {
    "id": "id tweet_id post_id status_id comment_id review_id message_id id_str uuid guid objectid uid",
    "text": "text full_text body content comment review message selftext post tweet review_text review_body"
    " comment_text comment_body post_text tweet_text content_text verbatim feedback comments reviews caption"
    " description",
    "posted_at": "posted_at created_at created date timestamp created_utc time published published_at datetime"
    " post_date review_date comment_date date_posted date_created submitted_at created_time at",
    "platform": "platform network channel site source",
    "author": "author user username screen_name user_screen_name author_name author_id user_name user_id"
    " reviewer reviewer_name handle from_user name",
    "url": "url link permalink permalink_url post_url tweet_url review_url source_url",
    "title": "title subject headline review_title",
    "lang": "lang language language_code locale",
    "kind": "kind",
    "thread": "thread thread_id conversation_id link_id story_id",
    "likes": "likes like_count favorite_count favourites_count favorites public_metrics_like_count score points"
    " upvotes ups thumbs_up helpful_count",
    "replies": "replies reply_count public_metrics_reply_count num_comments n_comments comment_count comments_count",
    "reposts": "reposts repost_count retweet_count retweets public_metrics_retweet_count shares share_count",
    "quotes": "quotes quote_count public_metrics_quote_count",
    "views": "views view_count impressions impression_count public_metrics_impression_count",
    "rating": "rating stars star_rating overall",
}  # fmt: skip
_NAME_OF_PLATFORM = re.compile(r"[\w .:-]{1,40}")


class Columns(NamedTuple):
    """`mapping` gives our field the file's header; `notes` say what was guessed or is missing, for people."""

    mapping: Mapping[FieldName, str]
    notes: tuple[str, ...]


def choose_columns(
    path: Path, header: Sequence[str], rows: Sequence[Mapping[str, Any]], given: Mapping[FieldName, str]
) -> Columns:
    """Take the columns that the user gave and guess the rest; an empty name means "there is none".

    `rows` are the first ones; `header` is empty for JSON. Raises InputError when there is no text.
    """
    headers = header or tuple(dict.fromkeys(name for row in rows for name in _names(row)))
    wrong = [name for name in given.values() if name and name not in headers]
    if wrong:
        raise InputError(f'{path} has no column "{wrong[0]}"; it has {_list(headers)}')
    mapping = {field: name for field, name in given.items() if name}
    taken = set(mapping.values())
    for field, aliases in _HEADERS.items():
        if field not in given and (name := _first(aliases.split(), headers, taken, field, rows)):
            mapping[field] = name
            taken.add(name)
    notes = []
    if "text" not in mapping and (name := _wordiest([h for h in headers if h not in taken], rows)):
        mapping["text"] = name
        notes.append(f'text: no header says so, "{name}" holds the longest texts')
    if not {"text", "title"} & mapping.keys():
        raise InputError(
            f"{path}: no column looks like the text of a post; it has {_list(headers)}."
            '  Say which one it is: columns = {text = "..."}'
        )
    if "id" not in mapping:
        notes.append("no id column: the id of a post is a hash of its text, author and time")
    if "posted_at" not in mapping:
        notes.append("no time column: posts are dated to when the file was last changed")
    return Columns(mapping, tuple(notes))


def value_of(row: Mapping[str, Any], name: str) -> Any:
    """The value of a column; in JSON a dot reaches into an object, as in `user.screen_name`."""
    if name in row:
        return row[name]
    outer, _, inner = name.partition(".")
    return nested.get(inner) if isinstance(nested := row.get(outer), Mapping) else None


def _names(row: Mapping[str, Any]) -> Iterable[str]:
    for name, value in row.items():
        yield name
        if isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in value)


def _first(
    aliases: Sequence[str], headers: Sequence[str], taken: set[str], field: FieldName, rows: Sequence[Mapping[str, Any]]
) -> str | None:
    """The surest header that has values; one without any, if there is no better."""
    plain = {re.sub(r"\W+", "_", header.strip().lower()).strip("_"): header for header in reversed(headers)}
    empty = None
    for header in (plain[alias] for alias in aliases if alias in plain):
        values = [value for row in rows if (value := value_of(row, header)) is not None and value != ""]
        if header not in taken and _fits(field, values):
            if values:
                return header
            empty = empty or header
    return empty


def _fits(field: FieldName, values: Sequence[Any]) -> bool:
    """A header may promise what its values do not keep: "source" is often the app, "user" an object."""
    if field == "platform":
        return all(isinstance(value, str) and _NAME_OF_PLATFORM.fullmatch(value) for value in values)
    return not any(isinstance(value, dict | list) for value in values)


def _wordiest(headers: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The column with the longest texts, if they are sentences."""
    lengths = {
        header: sum(len(v) for row in rows if isinstance(v := value_of(row, header), str) and " " in v)
        for header in headers
    }
    best = max(lengths, key=lengths.__getitem__, default=None)
    return best if best and rows and lengths[best] / len(rows) > 20 else None


def _list(headers: Iterable[str]) -> str:
    names = [name if len(name) <= 40 else "(a long text: is the first line a header?)" for name in headers]
    return ", ".join(names[:20]) + (" ..." if len(names) > 20 else "")
