"""Clients: the transport under other people's API clients, so that our one HTTP policy is theirs too."""

import logging
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from cxlisten.collect.answers import Answer
from cxlisten.collect.http import Http

# At its finest level tweepy logs the headers of each request, the credential among them.
logging.getLogger("tweepy").setLevel(logging.INFO)

# Ours to heed: praw would sleep on them beyond interruption, and breaks on what is no whole number.
_LIMITS = ("x-ratelimit-", "x-rate-limit-", "ratelimit-", "retry-after", "content-encoding", "content-length")


def session_over(http: Http, base_url: str | None = None, accept: Collection[int] = ()) -> requests.Session:
    """Make a requests session each of whose requests is one attempt of `http`, for use within `http.retry`.

    `base_url` takes the place of the scheme and the host that a client has written into its code. Failures are
    raised as SourceErrors but for the statuses of `accept`, which the client is to handle.
    """
    session = requests.Session()
    session.trust_env = False
    adapter = _Transport(http, base_url, accept)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class _Transport(BaseAdapter):
    def __init__(self, http: Http, base_url: str | None, accept: Collection[int]) -> None:
        super().__init__()
        self._http, self._base_url, self._accept = http, base_url, accept

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        url, headers = request.url or "", {name: str(value) for name, value in request.headers.items()}
        if self._base_url:
            base, asked = urlsplit(self._base_url), urlsplit(url)
            url = urlunsplit((base.scheme, base.netloc, base.path.rstrip("/") + asked.path, asked.query, ""))
        body = request.body if isinstance(request.body, bytes | str) else None
        answer = self._http.attempt(request.method or "GET", url, headers=headers, content=body, accept=self._accept)
        return _response(answer, request)

    def close(self) -> None:
        pass


class _Response(requests.Response):
    """Its JSON is read as that of our own requests: what is broken, or no object, is a SourceError."""

    answer: Answer

    def json(self, **_: Any) -> Any:
        return self.answer.json()


def _response(answer: Answer, request: requests.PreparedRequest) -> requests.Response:
    response = _Response()
    response.answer = answer
    response.status_code, response.reason, response.url = answer.status, answer.reason, answer.url
    response.headers = CaseInsensitiveDict(
        {name: value for name, value in answer.headers.items() if not name.lower().startswith(_LIMITS)}
    )
    response._content = answer.body
    response.encoding = "utf-8"
    response.request = request
    return response
