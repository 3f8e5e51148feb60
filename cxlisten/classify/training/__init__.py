"""Training: posts, most of them labelled, become a recipe's artefact, the same each time; one file per kind of engine.

`ENGINE.py` here trains what `cxlisten/classify/engines/ENGINE.py` runs: its `train(recipe, posts)` writes the
artefact into the recipe's folder and gives its SHA-256. Each post is a row of the corpus, with `file`, the
stem of its file's name, and `importance`, how much it counts.
"""

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from cxlisten.classify import Recipe, load_recipe
from cxlisten.errors import ClassifierError, InputError, MissingExtra

log = logging.getLogger(__name__)

_LINK = re.compile(r"https?://\S+")
_ALIKE = 60


def train(recipe_name: str, data: Path | None = None, corrected: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Train a recipe from the JSONL files of its corpus and of the folder `data`, and write its artefact.

    The corpus is what labels are mended in: its file takes the place of one of `data` that has its name.
    `corrected` are further labelled posts, which count like those of a file `corrections`. Gives the artefact's
    SHA-256, which belongs into `classifier.toml`.
    """
    recipe = load_recipe(recipe_name)
    module = f"{__name__}.{recipe.engine}"
    try:
        trainer = import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module:
            raise ClassifierError(f'recipe "{recipe_name}": nothing here trains the engine "{recipe.engine}"') from None
        raise MissingExtra(str(error.name), "train") from None
    importance = recipe.settings["train"].get("importance", {}).get("corrections", 1.0)
    posts = read_corpus(recipe, data)
    posts += [row | {"file": "corrections", "importance": importance} for row in corrected]
    return {"recipe": recipe_name, "n_posts": len(posts), "sha256": trainer.train(recipe, posts)}


def read_corpus(recipe: Recipe, data: Path | None) -> list[dict[str, Any]]:
    """Read the posts that a recipe learns from; one without labels is only of use where it has a teacher.

    A row may have an `id` and no `text`: labels of a post whose text may not be carried along. It is joined to
    the row of that id in `data`, and left out where that is not at hand. So are the posts that the recipe holds back,
    and whatever has the text of one of them. Raises InputError for a line that is no post, and
    where two folders of the recipe hold a file of one name.
    """
    posts, ids = _posts(recipe, data), _held_back(recipe)
    texts = {_letters(post) for post in posts if post.get("id") in ids} - {""}
    kept = [post for post in posts if post.get("id") not in ids and _letters(post) not in texts]
    if len(kept) < len(posts):
        log.info(
            "train leaves out %d posts: they are held back, or have the text of one that is", len(posts) - len(kept)
        )
    return kept


def read_held_back(recipe: Recipe, data: Path) -> list[dict[str, Any]]:
    """Read the posts that a recipe holds back to be measured on; raises InputError unless all of them are at hand."""
    ids = _held_back(recipe)
    if not ids:
        raise InputError(
            f'recipe "{recipe.name}" holds no posts back: held_back in [train] of its classifier.toml names a file of'
            f" their ids, one a line"
        )
    posts = [post for post in _posts(recipe, data) if post.get("id") in ids]
    if len(posts) < len(ids):
        raise InputError(f"{data} lacks {len(ids) - len(posts)} of the {len(ids)} posts that {recipe.name} holds back")
    return posts


def _held_back(recipe: Recipe) -> set[str]:
    named = recipe.settings.get("train", {}).get("held_back")
    return set((recipe.folder / named).read_text(encoding="utf-8").split()) if named else set()


def _letters(post: dict[str, Any]) -> str:
    """What is alike in two copies of a post: one may be cut short, or have its links and signs written otherwise."""
    return "".join(filter(str.isalpha, _LINK.sub("", post["text"].lower())))[:_ALIKE]


def _posts(recipe: Recipe, data: Path | None) -> list[dict[str, Any]]:
    importance = recipe.settings["train"].get("importance", {})
    rows: dict[str, dict[str, Any]] = {}
    labels: list[dict[str, Any]] = []
    for path in _files(recipe, data):
        found = _read(path, {"file": path.stem, "importance": importance.get(path.stem, 1.0)})
        log.info("train reads %d posts of %s", len(found), path.name)
        labels += [row for row in found if "text" not in row]
        rows |= {str(row.get("id", f"{path.name}:{n}")): row for n, row in enumerate(found) if "text" in row}
    known = [row for row in labels if row["id"] in rows]
    if len(known) < len(labels):
        log.warning("train leaves out %d labels, whose posts are not in --data", len(labels) - len(known))
    for row in known:
        rows[row["id"]] = rows[row["id"]] | row
    return list(rows.values())


def _read(path: Path, more: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row.get("text", row.get("id")), str):
                raise ValueError("it has no text")
        except (ValueError, AttributeError) as error:
            raise InputError(f"{path}, line {number}: not a labelled post ({error})") from None
        rows.append(row | more)
    return rows


def _files(recipe: Recipe, data: Path | None) -> Iterator[Path]:
    named = recipe.settings["train"].get("corpus", ["corpus"])
    folders = [recipe.folder / name for name in named]
    own = sorted(path for folder in folders for path in folder.glob("*.jsonl"))
    twice = [name for name, n in Counter(path.name for path in own).items() if n > 1]
    if twice:
        raise InputError(f'recipe "{recipe.name}": two folders of its corpus hold a {twice[0]}: rename one of them')
    files = {path.name: path for path in [*(data.glob("*.jsonl") if data else ()), *own]}
    if not files:
        raise InputError(f"{folders[0]} holds no labelled posts: name a folder of JSONL files with --data")
    return iter(path for _, path in sorted(files.items()))
