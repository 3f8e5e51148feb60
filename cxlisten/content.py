"""Where the content folders are: inside an installed package, or beside it in a checkout."""

from functools import cache
from pathlib import Path

from cxlisten.errors import CxListenError

_PACKAGE = Path(__file__).parent


@cache
def content_dir(name: str) -> Path:
    """Give the folder of `sql`, `classifiers`, `dags` or `demo`."""
    for folder in (_PACKAGE / f"_{name}", _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise CxListenError(f"the folder {name} is missing from this installation: reinstall cxlisten")
