"""ActivityPub: what the sources of the fediverse share: instances by name, and whether a post is still at its home."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from threading import Event
from typing import Annotated, Any

import httpx
from pydantic import AfterValidator, Field

from cxlisten.collect import Budget
from cxlisten.collect.answers import Answer, host_of, place_of
from cxlisten.collect.http import Http, Stopped
from cxlisten.errors import NotFound, Protocol, SourceError
from cxlisten.models import State, StateChange

_ACCEPT = 'application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams"'


def _address(instance: str) -> str:
    address = instance.strip().rstrip("/")
    address = address if "://" in address else f"https://{address}"
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.userinfo or " " in address:
        raise ValueError(f"{instance[:60]!r} is no instance: write its host name, as in  lemmy.world")
    return address


def _once(addresses: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(addresses))


Instances = Annotated[tuple[Annotated[str, AfterValidator(_address)], ...], Field(min_length=1), AfterValidator(_once)]
"""Host names or addresses, as addresses, each once."""


def full_name(name: str, address: str) -> str | None:
    """Give an account's name with its home, which an instance leaves off for its own; `address` is the account's."""
    home = host_of(address)
    return f"{name}@{home}" if name and "@" not in name and home else name or None


def object_of(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object that an item holds under a name, an empty one for none."""
    value = item.get(name)
    return value if isinstance(value, Mapping) else {}


class _Gone(NotFound):
    """It was there, and is not to come back."""

    def __init__(self, message: str, state: State) -> None:
        self.state = state
        super().__init__(message)


def gone(platform: str, uris: Sequence[str], instances: Collection[str]) -> Iterator[StateChange]:
    """Ask for each post at its home, which is the first to know of a deletion, and give those that are not there.

    Homes come and go, and some answer only whom they know: of one that does not answer while others do, nothing is
    said. Raises Protocol where none does.
    """
    known, failures, n_answered = set(map(host_of, instances)), dict[str, SourceError](), 0
    with Http(Budget(), Event(), explain=_explain) as http:
        for uri in uris:
            home = host_of(uri)
            # A post brings its own address along: it is not to lead us into a network behind ours.
            if home in failures or not (uri.startswith("https://") or home in known):
                continue
            state: State | None = None
            try:
                http.get(uri, headers={"Accept": _ACCEPT})
            except NotFound as error:
                state = error.state if isinstance(error, _Gone) else "unknown_gone"
            except Stopped:
                raise
            except SourceError as error:
                failures[home] = error
                continue
            n_answered += 1
            if state:
                yield StateChange(platform, uri, state, datetime.now(UTC))
    if failures and not n_answered:
        first = next(iter(failures.values()))
        raise Protocol(f"none of {len(failures)} homes of posts could be asked: {first}")


def _explain(answer: Answer) -> SourceError | None:
    if answer.status != httpx.codes.GONE:
        return None
    # Mastodon says so of an account, and of a single post only 404; the others put a tombstone in a post's place.
    state: State = "deleted_by_author" if b"Tombstone" in answer.body else "account_gone"
    return _Gone(f"{place_of(answer.url)} is gone", state)
