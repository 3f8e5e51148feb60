"""cxlisten.toml: every mistake at once, each with its place and its fix."""

from pathlib import Path

import pytest

from cxlisten import pipeline
from cxlisten.config import author_key, load_settings, settings_for_file
from cxlisten.errors import ConfigError

GOOD = """
[[query]]
name = "acme"
brand = "Acme"
terms = "acme OR @acme"
[experience.price]
target = 20
owner = "Pricing"
[[source]]
name = "reviews"
kind = "file"
path = "reviews.csv"
[[report]]
name = "weekly"
brands = ["Acme"]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cxlisten.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        pipeline.open_project(write(tmp_path, text), tmp_path)
    assert all("cxlisten.toml" in problem for problem in caught.value.problems)
    return caught.value.problems


def test_a_good_file(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, GOOD))
    assert settings.targets == {"price": (20.0, "Pricing")}
    assert settings.sources[0].options == {"path": str(tmp_path / "reviews.csv")}
    assert settings.reports[0].period_days == 7


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('brand = "Acme"', 'brnad = "Acme"', ['unknown key "brnad"; did you mean "brand"?', "brand is missing"]),
        ("target = 20", "target = 120", ["experience price: target:", "less than or equal to 100", "not 120"]),
        ("experience.price", "experience.prize", ['unknown ring "prize"; did you mean "price"?']),
        ('kind = "file"', 'kind = "fiel"', ['unknown kind "fiel"']),
        ('path = "reviews.csv"', 'pth = "reviews.csv"', ["pth", "path"]),
        ("acme OR @acme", "acme OR (@acme", ['query "acme": terms:', "("]),
        ('terms = "acme OR @acme"', 'terms = "acme"\nsources = ["reveiws"]', ['did you mean "reviews"?']),
        (
            'terms = "acme OR @acme"',
            'terms = "acme"\naliases = ["Zip"]\n[[query]]\nname = "zip"\nbrand = "ZIP"\nterms = "zip"',
            ['"ZIP" is a name of Acme and of ZIP: give it to one'],
        ),
        ('terms = "acme OR @acme"', 'terms = "acme"\naliases = ["!"]', ['"!" cannot be found in a post']),
        ('brands = ["Acme"]', 'brands = ["Acne"]', ['no query has the brand "Acne"']),
        ('brands = ["Acme"]', 'schedule = "every monday"', ["no cron schedule", "0 8 * * 1"]),
        ('brands = ["Acme"]', 'timezone = "Mars"', ["no time zone"]),
        ('brands = ["Acme"]', 'channels = ["fax"]', ['unknown channel "fax"', "html"]),
        ('name = "acme"', 'name = "Acme Inc"', ["query 1", "name:"]),
        ("[[source]]", "[[sauce]]", ['unknown key "sauce"; did you mean "source"?', "there is no [[source]]"]),
        ("target = 20", "target = ", ["line 7"]),
        ("[experience.price]\n", "[[experience]]\n", ["experience: write one table per ring"]),
        ("[experience.price]\n", "[experience]\nprice = 5\n[experience.people]\n", ["price: write a table", "target"]),
        (
            'terms = "acme OR @acme"',
            'terms = "acme"\nlanguages = ["English"]',
            ['"English" is no language code', '"en"'],
        ),
    ],
)
def test_a_mistake_names_its_place_and_its_fix(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    assert old in GOOD
    message = "\n".join(problems(tmp_path, GOOD.replace(old, new)))
    for part in expected:
        assert part in message


def test_all_mistakes_are_listed(tmp_path: Path) -> None:
    text = GOOD.replace("experience.price", "experience.prize").replace("@acme", "(@acme").replace('"file"', '"fiel"')
    text += '[[query]]\nname = "b"\nbrnad = "B"\n'
    assert len(problems(tmp_path, text)) == 6  # the last table has three


@pytest.mark.parametrize("rest", ["query = [1]", "experience = 5", "source = 'x'", "report = [[]]"])
def test_what_is_no_table_is_a_mistake_like_any_other(tmp_path: Path, rest: str) -> None:
    assert any("write" in problem for problem in problems(tmp_path, rest))


def test_brands_and_files_of_posts_are_told_apart_and_spellings_are_not() -> None:
    def names(posts: str, brand: str | None = None) -> tuple[str, str]:
        settings = settings_for_file(Path(posts), brand)
        return settings.queries[0].name, settings.sources[0].name

    assert names("posts.csv.gz") == ("posts", "posts")
    assert names("a/export.csv", "Café Nord") == names("b/export.csv", "CAFE NORD") == ("cafe-nord", "cafe-nord-export")
    for brand in ("日本", "東京", "A+", "A", "x" * 60, "x" * 61):
        others = {"日本", "東京", "A+", "A", "x" * 60, "x" * 61} - {brand}
        assert names("posts.csv", brand)[0] not in {names("posts.csv", other)[0] for other in others}
    assert names("may.csv", "A")[1] != names("june.csv", "A")[1] != names("june.csv", "B")[1]


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cxlisten init"):
        load_settings(tmp_path / "cxlisten.toml")


def test_the_author_key_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    first = author_key(tmp_path / "state")
    assert first == author_key(tmp_path / "state")
    assert len(first) == 64
    assert (tmp_path / "state" / "author.key").stat().st_mode & 0o077 == 0


def test_the_author_key_of_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXLISTEN_AUTHOR_KEY", "given")
    assert author_key(tmp_path) == b"given"
    assert list(tmp_path.iterdir()) == []
