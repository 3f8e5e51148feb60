"""Text as a reader sees it: HTML without its marks, and strings that a database can hold."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_MAX_HTML = 256 * 1024
_PARAGRAPHS = frozenset(("p", "ul", "ol", "pre", "blockquote", "table", "h1", "h2", "h3", "h4"))
_LINES = frozenset(("div", "li", "tr", "dt", "dd", "hr", "section", "article"))
_EDGE = "\x1e"  # of an element that is a line of its own, wherever two such meet
_UNSEEN = frozenset(("script", "style", "template", "noscript", "head"))
_EDGES = re.compile(rf"{_EDGE}\s*{_EDGE}|{_EDGE}+")
_SPACES = re.compile(r"[ \t\xa0]+")
_SPACE_AROUND_BREAK = re.compile(r" ?\n ?")
_MANY_BREAKS = re.compile(r"\n{3,}")


def clean(text: str) -> str:
    """Normalise to NFC with plain line ends, without NUL bytes and lone surrogates."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    whole = whole.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", whole).strip()


def text_of(item: Mapping[str, Any], name: str) -> str:
    """The text that an item holds under a name, "" for none; raises ValueError where it is something else."""
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is a {type(value).__name__} where a text was expected")
    return value or ""


def join_title(title: str | None, body: str | None) -> str:
    """Put a title on its own first line, unless the body opens with it."""
    if not title or not body:
        return title or body or ""
    return body if body.startswith(title.rstrip("….")) else f"{title}\n{body}"


def html_to_text(html: str, within: str | None = None) -> str:
    """Give what a browser would show: paragraphs as lines, entities decoded, shortened links in full.

    `within` is a CSS selector: only the first such element is read. Raises ValueError for more than any post has.
    """
    if len(html) > _MAX_HTML:  # the parser takes quadratic time for deep nests
        raise ValueError(f"HTML of more than {_MAX_HTML >> 10} KiB")
    if "<" not in html and "&" not in html and not within:
        return clean(html)
    from selectolax.lexbor import LexborHTMLParser, LexborNode

    page = LexborHTMLParser(html)
    body = page.css_first(within) if within else page.body
    pieces: list[str] = []
    # A stack, not recursion: hostile pages nest thousands deep.
    stack: list[LexborNode | str] = [body] if body else []
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            pieces.append(node)
        elif node.tag == "-text":
            pieces.append(node.text_content or "")
        elif node.tag == "a":
            pieces.append(whole_link(node.text(), node.attributes.get("href") or ""))
        elif node.tag == "br":
            pieces.append("\n")
        elif node.tag not in _UNSEEN:
            edge = "\n\n" if node.tag in _PARAGRAPHS else _EDGE if node.tag in _LINES else ""
            stack += [edge, *reversed(list(node.iter(include_text=True))), edge]
    text = _EDGES.sub("\n", "".join(pieces))
    text = _SPACE_AROUND_BREAK.sub("\n", _SPACES.sub(" ", text))
    return clean(_MANY_BREAKS.sub("\n\n", text))


def whole_link(text: str, href: str) -> str:
    """Give what a link shows, and the address in full where it shows a part of it, as platforms do with long ones."""
    shown = text.strip().removesuffix("...").removesuffix("…")
    return href if shown in href and ("." in shown or "://" in shown) else text
