"""The page in a browser: wide, on a phone, in the dark and on paper nothing is cut off or unreadable."""

import json
import re
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cxlisten.report import ReportSpec, build
from cxlisten.report.outputs.html import render
from cxlisten.taxonomy import RINGS
from tests.invented_snapshot import InventedSnapshot

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --allow-file-access-from-files --hide-scrollbars --window-size=1280,900"
)
LAST = date(2026, 11, 15)

# Loads the page in a frame of a given width and says what a reader of that width would suffer.
PROBE = """<!doctype html><iframe id="frame" src="page.html" style="width:{width}px;height:900px;border:0"></iframe>
<pre id="found"></pre><script>
addEventListener("load", () => {{
  const page = document.getElementById("frame").contentDocument;
  const root = page.documentElement;
  page.querySelectorAll("details").forEach(one => one.open = true);
  const text = node => node.textContent.trim().slice(0, 30);
  const seen = [...page.querySelectorAll("body *")].filter(node => node.getClientRects().length);
  const luminance = color => {{
    const [r, g, b] = color.match(/[\\d.]+/g).map(c => c / 255)
      .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }};
  const ground = node => {{
    for (; node; node = node.parentElement) {{
      const color = page.defaultView.getComputedStyle(node).backgroundColor;
      if (!/, 0\\)$/.test(color)) return color;
    }}
    return "rgb(255, 255, 255)";
  }};
  const faint = seen.filter(node => {{
    if (node.closest("svg") || ![...node.childNodes].some(one => one.nodeType === 3 && one.data.trim())) return false;
    const pair = [page.defaultView.getComputedStyle(node).color, ground(node)].map(luminance).sort((a, b) => a - b);
    return (pair[1] + 0.05) / (pair[0] + 0.05) < 4.5;
  }});
  document.getElementById("found").textContent = JSON.stringify({{
    width: root.clientWidth, scroll: root.scrollWidth,
    outside: seen.filter(node => node.getBoundingClientRect().right > root.clientWidth + 1).map(text),
    faint: [...new Set(faint.map(text))],
    charts: [...page.querySelectorAll(".courses svg")].filter(svg => svg.getBoundingClientRect().width > 100).length,
    dark: page.defaultView.matchMedia("(prefers-color-scheme: dark)").matches,
  }});
}});
</script>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page of two brands with long names, long words and every section filled."""
    world = InventedSnapshot().query("Oakhollow").query("The Amberway Department Stores Company")
    for ring in RINGS:
        world.target(ring.name, 20, "Head of Customer Relations")
        for brand in ("Oakhollow", "The Amberway Department Stores Company"):
            for week in range(12):
                day = LAST - timedelta(days=7 * week)
                world.say(
                    brand, day, "slow " + "x" * 300, (ring.name, "negative", ring.facets[0]), n=16 if not week else 3
                )
                world.say(brand, day, "quick and kind", (ring.name, "positive", ring.facets[1]), n=3 if not week else 9)
    world.gap("Oakhollow", "forum", "request budget used up", None, None)
    world.reject("Oakhollow", LAST, "the time cannot be read")
    folder = tmp_path_factory.mktemp("page")
    metrics = {"n": 600, "rings": {one.name: {"f1": 0.6, "precision": 0.6, "recall": 0.6, "n": 80} for one in RINGS}}
    spec = ReportSpec("weekly", "Weekly", datetime(2026, 11, 16, tzinfo=UTC), metrics=metrics)
    (folder / "page.html").write_text(render(build(world.write(folder), spec)), encoding="utf-8")
    return folder


def chromium(folder: Path, *flags: str) -> str:
    assert CHROMIUM, "Chromium is not installed: apt-get install chromium"
    command = [CHROMIUM, *FLAGS.split(), f"--user-data-dir={folder / 'profile'}", *flags]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def probe(folder: Path, width: int, *flags: str) -> dict[str, Any]:
    (folder / "probe.html").write_text(PROBE.format(width=width), encoding="utf-8")
    dom = chromium(folder, "--virtual-time-budget=5000", "--dump-dom", *flags, (folder / "probe.html").as_uri())
    found = re.search(r'<pre id="found">(.*?)</pre>', dom)
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return]


pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 768, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_or_faint(folder: Path, width: int, scheme: str) -> None:
    found = probe(folder, width, *(["--force-dark-mode"] if scheme == "dark" else []))
    assert found["dark"] is (scheme == "dark")
    assert found["scroll"] == found["width"] == width
    assert found["outside"] == []
    assert found["faint"] == []
    assert found["charts"] == 12


def test_it_prints(folder: Path) -> None:
    pdf = folder / "page.pdf"
    chromium(folder, f"--print-to-pdf={pdf}", "--no-pdf-header-footer", (folder / "page.html").as_uri())
    pages = pdf.read_bytes().count(b"/Type /Page\n") + pdf.read_bytes().count(b"/Type /Page /")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pages < 30
