"""One tree of errors; each class says whether trying again can help."""

from datetime import datetime


class CxListenError(Exception):
    """The root: its message says what happened, where, and what to do about it."""

    retryable = False


class ConfigError(CxListenError):
    """`cxlisten.toml` is wrong; `problems` lists every mistake, one message each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class QueryError(CxListenError):
    """A boolean query cannot be read; the message points at the place."""


class InputError(CxListenError):
    """A file or an argument that the user gave cannot be used as it is."""


class SourceError(CxListenError):
    """A platform did not give what was asked for."""


class Transient(SourceError):
    """A time-out, a broken connection, a server error: may be gone at the next try."""

    retryable = True


class RateLimited(SourceError):
    """The platform asks to wait until `until` (UTC)."""

    retryable = True

    def __init__(self, message: str, until: datetime | None = None) -> None:
        self.until = until
        super().__init__(message)


class QuotaExhausted(SourceError):
    """The account's allowance or credit is used up: no retry helps before it is renewed."""


class Auth(SourceError):
    """The credential is missing, wrong or not allowed to do this."""


class BadQuery(SourceError):
    """The platform refuses the query as it was sent."""


class NotFound(SourceError):
    """The thing asked for does not exist at the platform."""


class Protocol(SourceError):
    """The platform answered in a shape that we do not know; nothing was landed."""


class ClassifierError(CxListenError):
    """A recipe or its artefact cannot be used."""


class StoreError(CxListenError):
    """The store holds something that it should not."""


class StoreBusy(StoreError):
    """Another run holds the store; it is free again when that run ends."""

    retryable = True


class MissingExtra(CxListenError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: run  pip install 'cxlisten[{extra}]'")
