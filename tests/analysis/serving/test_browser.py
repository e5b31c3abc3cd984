"""A served page in a real browser: renewed in place, under a reader who stays where he reads."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.serving import server as serving
from analysis.serving.server import Edition, listening

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
READ = 300  # px of the second section that the reader has scrolled past

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path"),
]

READER = f"""<script>
const at = () => document.getElementById("far").getBoundingClientRect().top;
addEventListener("load", () => {{
  scrollBy(0, at() + {READ});
  setInterval(() => document.documentElement.dataset.at = Math.round(at()), 100);
}});
</script>"""


def page(name: str, above: int, is_open: tuple[bool, bool]) -> bytes:
    """Two sections, the second so far below, and two parts that are folded away or not."""
    parts = "".join(f"<details{' open' * one}><summary>x</summary></details>" for one in is_open)
    near = f"<section><h2>near</h2><p style='height: {above}px'></p>{parts}</section>"
    far = f"<section><h2 id='far'>far</h2><p style='height: 3000px'>{name}</p></section>"
    head = f"<head><title>{name}</title>{READER}</head>"
    return f"<!doctype html><html>{head}<body>{near}{far}</body></html>".encode()


FIRST, SECOND = page("first", 1000, (True, False)), page("second", 2500, (False, True))


def browsed(folder: Path, then: bytes | None, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is in the browser a minute after it has fetched the first page.

    `then` is served from there on; None: nothing is.
    """
    content = Edition.content

    def once(edition: Edition, name: str) -> bytes | None:
        found = content(edition, name)
        server.edition = Edition({} if then is None else {"index.html": then})
        return found

    monkeypatch.setattr(Edition, "content", once)
    # the reader is a script too, which a served page may not have
    policy = "default-src 'self' 'unsafe-inline'"
    monkeypatch.setitem(serving._HEADERS, "Content-Security-Policy", policy)
    with listening(port=0) as server:
        server.edition = Edition({"index.html": FIRST})
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=800,600"]
        options += [f"--user-data-dir={folder}/user", "--virtual-time-budget=60000", "--dump-dom"]
        command = [str(CHROMIUM), *options, server.url]
        return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout


def test_a_new_page_is_put_where_the_reader_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    dom = browsed(tmp_path, SECOND, monkeypatch)
    assert "second</p>" in dom and "first</p>" not in dom and "<title>second</title>" in dom
    assert f'data-at="-{READ}"' in dom
    assert re.findall(r"<details( open)?", dom) == [" open", ""]  # as the reader left them
    assert 'class="gone"' not in dom


def test_a_page_without_news_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    dom = browsed(tmp_path, FIRST, monkeypatch)
    assert "first</p>" in dom and f'data-at="-{READ}"' in dom
    assert 'class="gone"' not in dom


def test_a_page_that_nobody_serves_any_more_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    dom = browsed(tmp_path, None, monkeypatch)
    assert "first</p>" in dom and f'data-at="-{READ}"' in dom
    assert dom.count('<p class="gone" role="status">This page is no longer renewed') == 1
