"""The command line's contract: what goes to stdout, which exit code, what a newcomer reads."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cxlisten.cli import main
from cxlisten.cli.console import print_rows
from cxlisten.collect import sources
from cxlisten.report import outputs
from cxlisten.store import open_snapshot

POSTS = [
    ("1", "2026-03-02T09:00:00Z", "The soup was lovely but the waiter was so rude to us"),
    ("2", "2026-03-02T10:00:00Z", "Far too expensive for what it is, 9 euros for a small coffee"),
    ("3", "2026-03-03T10:00:00Z", "far too EXPENSIVE for what it is: 9 euros for a small coffee!"),
    ("4", "2026-03-04T10:00:00Z", "Waited two hours on the phone and then they hung up on me"),
    ("5", "2026-03-05T10:00:00Z", "El servicio fue muy lento y la comida estaba fría, no vuelvo nunca más"),
    ("6", "2026-03-05T10:00:00Z", ""),
]


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    path = tmp_path / "posts.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["review_id", "date", "review"])
        rows.writerows(POSTS)
    return path


def call(*args: object) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args])


def coverage(state: Path) -> dict[str, int]:
    rows = json.loads(call("trend", "coverage", "--state", state, "--format", "json").stdout)
    names = [name for name in rows[0] if name.startswith("n_")]
    return {name: sum(row[name] for row in rows) for name in names}


def test_one_file_of_posts_to_a_report_and_every_row_accounted_for(posts: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    done = call("run", "--file", posts, "--brand", "Soup & Co", "--state", state)
    assert done.exit_code == 0, done.stderr
    assert "text ← review" in done.stderr
    assert "Report:" in done.stdout
    page = (state / "reports" / "latest.html").read_text(encoding="utf-8")
    assert "Soup &amp; Co" in page
    first = coverage(state)
    assert (first["n_fetched"], first["n_mapped"], first["n_rejected"], first["n_new"]) == (6, 5, 1, 5)
    ways = ("n_deleted", "n_duplicate", "n_noise", "n_tagged", "n_untagged")
    assert first["n_new"] == sum(first[way] for way in ways)
    assert (first["n_duplicate"], first["n_unknown_language"]) == (1, 1)

    again = call("run", "--file", posts, "--brand", "Soup & Co", "--state", state)
    assert again.exit_code == 0
    second = coverage(state)
    assert {**second, "n_asked": 0} == {**first, "n_asked": 0}
    with open_snapshot(state) as con:
        assert con.execute("select n_posts from meta").fetchall() == [(5,)]


def test_trend_formats(posts: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    call("run", "--file", posts, "--brand", "Soup", "--state", state)
    as_csv = list(csv.DictReader(io.StringIO(call("trend", "top_posts", "--state", state, "--format", "csv").stdout)))
    as_json = json.loads(call("trend", "top_posts", "--state", state, "--format", "json").stdout)
    assert [row["post_id"] for row in as_csv] == [str(row["post_id"]) for row in as_json] != []
    other = call("trend", "ring_daily", "--state", state, "--brand", "Other")
    assert (other.exit_code, other.stdout) == (2, "")
    assert 'no brand "Other"; there is Soup' in other.stderr
    some = call(
        "trend", "ring_daily", "--state", state, "--since", "2026-03-03", "--until", "2026-03-04", "--format", "json"
    )
    assert {row["day"] for row in json.loads(some.stdout)} <= {"2026-03-03", "2026-03-04"}
    assert "net_sentiment" in call("trend", "ring_weekly", "--state", state).stdout


def test_a_long_table_is_cut_and_says_so_and_text_does_not_steer_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_rows(["n", "text"], [(n, "rude\x1b[2J\nstaff") for n in range(5_001)], "table")
    shown = capsys.readouterr()
    assert shown.out.count("rude [2J staff") == 5_000
    assert "5,000 of 5,001" in shown.err
    assert "\x1b" not in shown.out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("run", "--config", "nowhere.toml"), ["nowhere.toml", "cxlisten init"]),
        (("run", "--file", "nowhere.csv"), ["nowhere.csv"]),
        (("run", "--brand", "Acme"), ["--brand", "--file"]),
        (("run", "--file", __file__, "--brand", " "), ["--brand"]),
        (("classify", __file__, "-o", "nowhere/out.jsonl"), ["nowhere"]),
        (("trend", "nonsense"), ["nonsense", "ring_weekly"]),
        (("trend", "ring_weekly", "--state", "nowhere"), ["cxlisten run"]),
        (("trend", "coverage", "--since", "2026-03-05", "--until", "2026-03-04"), ["2026-03-05 is after"]),
        (("evaluate", "nobody", __file__), ["nobody", "cx_spacy"]),
        (("query", "explain", "kettle AND (", "nowhere.csv"), ["(", "^"]),
    ],
)
def test_what_is_yours_to_fix_exits_with_2_and_one_message(
    args: tuple[str, ...], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call(*args)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_a_file_of_ones_own_that_lacks_something_is_named_by_run_and_doctor(
    posts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package, name in ((sources, "toy_platform"), (outputs, "toy_page")):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
        (tmp_path / f"{name}.py").touch()
    config = tmp_path / "cxlisten.toml"
    query, report = '[[query]]\nname = "soup"\nbrand = "Soup"\nterms = "soup"\n', '[[report]]\nname = "weekly"\n'
    for table, message in (
        ('[[source]]\nname = "toy_platform"\n', "cxlisten/collect/sources/toy_platform.py must end with  SOURCE ="),
        (f'[[source]]\nname = "file"\npath = "{posts.name}"\n' + report + 'channels = ["toy_page"]\n',
         'cxlisten/report/outputs/toy_page.py must have  SUFFIX = ".txt"  and  def render'),
    ):  # fmt: skip
        config.write_text(query + table)
        for command in ("run", "doctor"):
            done = call(command, "--config", config, "--state", tmp_path / "state")
            assert done.exit_code == 2
            assert message in done.stdout + done.stderr


def test_classify_a_file_in_order(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [{"id": i, "text": text} for i, _, text in POSTS] + [
        {"id": 7, "text": "rude staff 😀 \ud83d", "lang": "en"},
        {"id": "\ud83d", "text": "rude staff", "lang": "\ud83d"},
    ]
    source.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n")
    done = call("classify", source, "-o", target)
    assert done.exit_code == 0, done.stderr
    answers = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [a["id"] for a in answers] == ["1", "2", "3", "4", "5", "6", 7, "\ufffd"]
    keys = ["id", "lang", "sentiment", "rings", "noise", "benefits", "signals", "classifier", "version"]
    assert all(list(a) == keys for a in answers)
    for answer, line in zip(answers, lines, strict=True):
        for tag in answer["rings"]:
            start, end = tag["evidence"]
            assert 0 <= start < end <= len(str(line["text"]))
    assert answers[4]["lang"] == "es"
    assert answers[4]["sentiment"]["label"] is None
    assert answers[4]["rings"] == []
    serial = target.read_bytes()
    assert call("classify", source, "-o", target, "--executor", "pool").exit_code == 0
    assert target.read_bytes() == serial


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id": "1", "text": "half a', "not JSON"),
        (b'["1", "a"]', "not an object"),
        (b'{"text": "no id"}', '"id"'),
        (b'{"id": "1", "text": null}', '"text"'),
        (b'{"id": "1", "text": "\xff"}', "not UTF-8"),
    ],
)
def test_a_bad_line_stops_or_is_set_aside(tmp_path: Path, line: bytes, reason: str) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(b'{"id": "a", "text": "lovely soup"}\n' + line + b'\n{"id": "b", "text": "rude waiter"}\n')
    stopped = call("classify", source, "-o", target)
    assert stopped.exit_code == 2
    assert "line 2" in stopped.stderr
    assert reason in stopped.stderr
    assert list(tmp_path.iterdir()) == [source]
    assert call("classify", source, "-o", target, "--skip-bad").exit_code == 0
    assert [json.loads(a)["id"] for a in target.read_text().splitlines()] == ["a", "b"]
    aside = json.loads((tmp_path / "out.jsonl.rejects.jsonl").read_text())
    assert aside["line"] == 2
    assert reason in aside["reason"]


def test_a_gzipped_file_and_a_query_explained(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"id": "1", "text": "rude staff"}\n{"id": "2", "text": "nice room"}\n'))
    done = call("query", "explain", "rude AND staff", path)
    assert done.exit_code == 0
    assert "HIT" in done.stdout
    assert "MISS" in done.stdout
    assert "1 of 2" in done.stderr


def test_every_command_has_help() -> None:
    listed = call("--help")
    assert listed.exit_code == 0
    verbs = "run collect classify load publish report reclassify"
    for name in f"{verbs} init demo doctor trend compare query train evaluate bench version".split():
        assert name in listed.stdout
        assert call(name, "--help").exit_code == 0
