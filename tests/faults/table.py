"""Writes README.md beside this file from a run of what is told in it: `python -m tests.faults.table`."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.faults.catalogue import EXCEPTIONS, FAULTS, GROUPS, Ends, Fault

README = Path(__file__).with_name("README.md")
TESTS = [README.with_name(f"test_{name}.py") for name in ("sources", "streams", "collect_sigkill", "walks")]
INTRO = """\
# What sources are proven against

Written by `python -m tests.faults.table` from a run of all of it; not by hand.

Each source reads a fake of its platform, which speaks the platform's wire format over a simulated timeline of posts
(`platforms/`). A fault of the catalogue (`catalogue.py`) is armed, a run is made, the fault is taken away, and clean
runs follow, the cursor going through JSON after each batch, as in the pipeline. Asserted each time:

- the run ends as the catalogue says, by an error of the class that it names, or with a note, or with a gap;
- after the clean runs no post is missing but those within a gap that was told;
- nothing is landed twice in one run, nothing that the platform never showed, and no edit that never was;
- a wait is as long as the platform asks, and there are no more requests than the catalogue allows;
- what is said names the place, and holds no secret and no author; no credential is seen by another host.

```
pytest -m faults -k mastodon          # one source
pytest -m faults -k 429-iso           # one fault, on all sources
pytest -m faults tests/faults/test_walks.py
```

A random walk is ten steps of time that passes with new, late, edited and deleted posts, runs with faults anywhere,
kills between batches, stops and small budgets; what must be landed in the end is all that was there whenever a run
said that it had read everything.
"""


class Results:
    """A pytest plugin that keeps what each fault test says of itself."""

    def __init__(self) -> None:
        self.outcomes: dict[tuple[str, int, str], str] = {}
        self.walks: dict[str, tuple[int, str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown" and report.passed:
            return
        for name, value in report.user_properties:
            if name == "fault":
                kind, group, fault = value  # type: ignore[misc]
                self.outcomes[str(kind), int(group), str(fault)] = report.outcome
            elif name == "walks":
                kind, n = value  # type: ignore[misc]
                before, outcome = self.walks.get(str(kind), (0, "passed"))
                self.walks[str(kind)] = (before + int(n), report.outcome if outcome == "passed" else outcome)


def written(results: Results) -> str:
    """The whole README."""
    kinds = sorted({kind for kind, _, _ in results.outcomes})
    return "\n".join([INTRO, *_by_group(results, kinds), *_by_fault(results, kinds), *_exceptions(), ""])


def _by_group(results: Results, kinds: Sequence[str]) -> Iterable[str]:
    yield "## Faults by group and source\n"
    yield "Faults that were met as expected, of those that can happen to the source.\n"
    yield _row(["", "", *kinds])
    yield _row(["--:", "---", *["--:"] * len(kinds)])
    for group, title in GROUPS.items():
        yield _row([str(group), title, *(_met(results, kind, group) for kind in kinds)])
    walks = {kind: (f"{n}" if how == "passed" else f"**not all of {n}**") for kind, (n, how) in results.walks.items()}
    yield _row(["", "Random walks", *(walks.get(kind, "") for kind in kinds)])
    n = sum(outcome == "passed" for outcome in results.outcomes.values())
    yield f"\n{n} pairs of a source and a fault, {sum(n for n, _ in results.walks.values())} walks.\n"


def _met(results: Results, kind: str, group: int) -> str:
    outcomes = [how for (k, g, _), how in results.outcomes.items() if (k, g) == (kind, group) and how != "skipped"]
    n = outcomes.count("passed")
    if not outcomes:
        return ""
    return str(n) if n == len(outcomes) else f"**{n} of {len(outcomes)}**"


def _by_fault(results: Results, kinds: Sequence[str]) -> Iterable[str]:
    """Each fault of the catalogue, and those of streams and crashes, which are tests of their own."""
    known = {fault.name: fault for fault in FAULTS}
    names: Mapping[tuple[int, str], dict[str, str]] = defaultdict(dict)
    for (kind, group, name), outcome in results.outcomes.items():
        names[group, name][kind] = outcome
    yield "## Each fault\n"
    yield _row(["", "Fault", "A run with it", "Sources"])
    yield _row(["--:", "---", "---", "---"])
    for (group, name), outcomes in sorted(names.items(), key=lambda pair: (pair[0][0], _place(pair[0][1]))):
        met = [kind for kind in kinds if outcomes.get(kind) == "passed"]
        missed = [f"**not {kind}**" for kind in kinds if outcomes.get(kind) == "failed"]
        if not (met or missed):
            continue
        sources = ["all"] if met == list(kinds) else met
        yield _row([str(group), f"`{name}`", _ending(known.get(name)), ", ".join([*sources, *missed])])


def _place(name: str) -> tuple[int, str]:
    names = [fault.name for fault in FAULTS]
    return (names.index(name) if name in names else len(names), name)


def _ending(fault: Fault | None) -> str:
    if fault is None:
        return ""
    errors = ", ".join(error.__name__ for error in fault.fails)
    return " or ".join(f"{ends} ({errors})" if ends is Ends.FAILS and errors else str(ends) for ends in fault.ends)


def _exceptions() -> Iterable[str]:
    yield "\n## Where a source differs\n"
    for (kind, name), (changes, reason) in EXCEPTIONS.items():
        yield f"- `{kind}-{name}`: {' or '.join(changes['ends'])}, for {reason}."


def _row(cells: Iterable[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def main() -> int:
    results = Results()
    status = pytest.main(["-q", "-m", "faults", "--tb=short", *map(str, TESTS)], plugins=[results])
    README.write_text(written(results), encoding="utf-8")
    print(f"{README} is written", file=sys.stderr)  # noqa: T201
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
