"""Every fault of the catalogue, on every source it can happen to: nothing is lost, nothing is landed twice.

`pytest -m faults -k mastodon` is one source, `-k 429-iso` one fault.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.catalogue import BOUNDS, FAULTS, Ends, Fault, Stage, expected
from tests.faults.listener import AUTHOR, NAME, Listener, Run, twice, unlandable, words
from tests.faults.platforms import Identity, kinds
from tests.faults.profile import profile_of
from tests.faults.server import Request
from tests.faults.small import start_small

pytestmark = pytest.mark.faults

KINDS = [kind for kind in kinds() if kind != "file"]  # a file has no platform to fail; tests/unit/test_source_file_*
CASES = [
    pytest.param(kind, fault, id=f"{kind}-{fault.name}")
    for kind in KINDS
    for fault in FAULTS
    if fault.only in ("", kind)
]


@pytest.fixture
def stage(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    platform = start_small(kind, tmp_path, monkeypatch)
    stage = Stage(platform, profile_of(kind), Listener(kind, platform), monkeypatch)
    yield stage
    platform.close()
    if stage.elsewhere:
        stage.elsewhere.__exit__()


@pytest.mark.parametrize(("kind", "fault"), CASES)
def test_nothing_is_lost(kind: str, fault: Fault, stage: Stage, record_property: Callable[[str, object], None]) -> None:
    fault = expected(kind, fault)
    record_property("fault", [kind, fault.group, fault.name])
    if not fault.needs(stage.profile):
        pytest.skip("cannot happen to this source")
    listener, server = stage.listener, stage.server
    if fault.late:
        assert listener.run().is_complete
        stage.read_at = stage.platform.timeline.now
        stage.platform.advance()
    fault.arm(stage)
    stage.due = stage.platform.posts()
    run = listener.run(stage.budget, stage.clock)

    lost = set() if fault.alters else lacking(stage, fault)
    ended = ending(run, bool(lost))
    assert ended in fault.ends, (ended, run.error, run.notes, run.gaps)
    assert ended is not Ends.FAILS or isinstance(run.error, fault.fails), repr(run.error)
    assert ended is not Ends.RECOVERS or not lost
    if fault.waits:
        assert fault.waits[0] <= max(run.waits, default=-1) <= fault.waits[1], run.waits
    bound = BOUNDS[fault.size](stage.profile.n_requests)
    assert run.n_requests <= bound, f"{run.n_requests} requests, and {fault.size} is {bound}"
    if fault.check:
        fault.check(stage)

    server.every = None
    server.faults.clear()
    server.at.clear()
    for undo in stage.undo:
        undo()
    listener.settle()
    if fault.finally_:
        fault.finally_(stage)
    if fault.alters:
        listener.promised &= listener.landed
    assert listener.missing() == set()
    if not fault.alters:
        assert listener.never_shown() == set()
        assert listener.false_edits() == set()
    for each in listener.runs:
        assert twice(each) == []
        assert [reason for reason in unlandable(each) if "future" not in reason] == []
        says_it_well(stage, each)
    assert server.mistakes == []
    stays_at_home(stage)


def ending(run: Run, lacks_something: bool) -> Ends:
    if run.error:
        return Ends.FAILS
    if not run.is_complete:
        assert run.notes, "a run that is not complete says why"
        return Ends.STOPS
    if run.gaps:
        return Ends.GAP
    is_in_doubt = any("read again" in note for note in run.notes)
    return Ends.DOUBTS if lacks_something and is_in_doubt else Ends.RECOVERS


def lacking(stage: Stage, fault: Fault) -> set[Identity]:
    """What was there when the run with the fault began, and is not landed by now."""
    odd = set(map(stage.platform.identity, stage.odd))
    lost = (stage.due & stage.platform.posts()) - stage.listener.landed - odd
    is_one_bad = "bad-item" in fault.name or fault.name == "nan"
    return set() if is_one_bad and len(lost) == 1 else lost


def says_it_well(stage: Stage, run: Run) -> None:
    """It is clear where it happened, no secret is said, and no author is named."""
    said = words(run)
    for secret in stage.profile.secrets.values():
        assert secret not in said
    assert AUTHOR not in said.lower().replace("someone_else", "")
    if run.error:
        named = ("127.0.0.1", "localhost", NAME, stage.profile.title)
        assert any(name in str(run.error) for name in named), run.error
        assert len(str(run.error)) < 1_000


def stays_at_home(stage: Stage) -> None:
    """No credential was seen by another host."""
    if stage.elsewhere:
        for request in stage.elsewhere.requests:
            assert not {name.lower() for name in request.headers} & {"authorization", "cookie"}
            assert not any(secret in _text(request) for secret in stage.profile.secrets.values())


def _text(request: Request) -> str:
    return json.dumps([request.path, dict(request.params), dict(request.headers), request.body.decode("latin-1")])
