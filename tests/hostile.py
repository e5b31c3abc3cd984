"""Names that somebody else chose, and that try to be more than names."""

from __future__ import annotations

MARK = "it-ran"
"""What a page's title becomes if anything in a name is run."""
SCRIPT = f"<script>document.title='{MARK}'</script>"
NAMES = (
    SCRIPT,
    f"</script></title></style>{SCRIPT}",
    f"\"'><img src=x onerror=\"document.title='{MARK}'\">",
    f"<svg onload=document.title='{MARK}'>",
    "{{ 7 * 7 }}{% include 'x' %}${7*7}",
    f"[a](javascript:document.title='{MARK}')",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b2J\r",
    "[bold]rich[/bold][/nothing]",
    "=1+1|a`b*c_d",
    "$\\frac{1}{2$ $x^",
    "é中文🦝 \u202egnp",
    "x" * 300,
)
CONTROLS = ("\x1b", "\x07", "\x9b", "\r", "\u202e")
"""What must not reach a terminal."""
