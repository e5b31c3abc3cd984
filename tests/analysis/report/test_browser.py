"""The page in a real browser: nothing on its console, no barrier that axe finds, no overflow."""

from __future__ import annotations

import html
import importlib.resources
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import analysis
from analysis.report.page import write as write_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
AXE = (importlib.resources.files("axe_core_python") / "axe.min.js").read_text()
DARK, LIGHT = "0", "1"
PHONE = 390  # px

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path"),
]


@pytest.fixture(scope="module")
def html_of_all(everything: analysis.Results, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_page(everything, tmp_path_factory.mktemp("page")).read_text()


def asked(document: str, promise: str, folder: Path, scheme: str = LIGHT) -> Any:
    """What a promise in that document resolves to; nothing may be written to the console."""
    script = (
        f"<script>{AXE}</script><script>addEventListener('load', async () => {{"
        " const told = document.createElement('pre'); told.id = 'told';"
        f" told.textContent = JSON.stringify(await ({promise})()); document.body.append(told) }})"
        "</script></body>"
    )
    file = folder / "asked.html"
    file.write_text(document.replace("</body>", script))
    options = ["--headless", "--no-sandbox", "--enable-logging=stderr", "--window-size=1280,900"]
    options += [f"--blink-settings=preferredColorScheme={scheme}", "--virtual-time-budget=60000"]
    command = [str(CHROMIUM), *options, f"--user-data-dir={folder}/user", "--dump-dom"]
    run = subprocess.run([*command, file.as_uri()], capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in run.stderr, run.stderr
    told = re.search(r'<pre id="told">(.*?)</pre>', run.stdout, re.DOTALL)
    assert told, run.stdout[-2000:]
    return json.loads(html.unescape(told[1]))


# tables fade at their edges, and behind a fade axe cannot tell contrasts
OPENED = """async () => {
  document.querySelectorAll('details').forEach(one => one.open = true);
  document.querySelectorAll('.scroll').forEach(one => one.style.background = 'none');
  const found = await axe.run(RULES);
  return {
    violations: found.violations.map(one => [one.id, one.nodes.map(node => node.html)]),
    contrasts: found.passes.find(one => one.id == 'color-contrast').nodes.length,
  };
}"""


@pytest.mark.parametrize(
    ("scheme", "rules"),
    [(LIGHT, "{}"), (DARK, "{runOnly: ['color-contrast']}")],  # in the dark only colours differ
    ids=["light", "dark"],
)
def test_axe_finds_no_barrier(html_of_all: str, scheme: str, rules: str, tmp_path: Path):
    found = asked(html_of_all, OPENED.replace("RULES", rules), tmp_path, scheme)
    assert found["violations"] == []
    assert found["contrasts"] > 100


@pytest.mark.parametrize("width", [PHONE, 1280])
def test_nothing_is_wider_than_the_screen(html_of_all: str, width: int, tmp_path: Path):
    frame = f'<iframe width="{width}" height="800" srcdoc="{html.escape(html_of_all)}"></iframe>'
    wide = asked(
        f"<!doctype html><html><body>{frame}</body></html>",
        """async () => {
          const inside = document.querySelector('iframe').contentDocument;
          inside.querySelectorAll('details').forEach(one => one.open = true);
          return [inside.documentElement.clientWidth, inside.documentElement.scrollWidth];
        }""",
        tmp_path,
    )
    assert width - 20 <= wide[0] <= width
    assert wide[1] <= wide[0]
