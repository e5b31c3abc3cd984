"""What all figures have in common.

A figure has two halves: a function that computes a frame, and one that draws it on given Axes and
does no arithmetic, so that what is seen can be tested as a frame. Arms are told apart by colour
and marker; what else differs (roles, how a trial ended) by hatch, marker or line, so that nothing
hangs on colour alone.
"""

from __future__ import annotations

from typing import Any

from matplotlib import rcParamsDefault
from matplotlib.axes import Axes

from analysis.drawing.looks import INK, RULE

_BACKENDS = ("backend", "interactive")  # of the program that draws, not of the picture
STYLE: dict[Any, Any] = {
    # whatever the reader's matplotlibrc says: LaTeX and its fonts may not be there, for one
    **{name: value for name, value in rcParamsDefault.items() if not name.startswith(_BACKENDS)},
    "font.size": 11,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and restyled
}

THERMAL = "cividis"  # for AP; monotone in lightness and readable with any colour blindness


def legend_above(ax: Axes) -> None:
    """A legend on one line above the Axes, where it hides nothing."""
    place = {"loc": "lower left", "bbox_to_anchor": (0.0, 0.98), "borderaxespad": 0.0}
    ax.legend(frameon=False, fontsize=9, ncols=5, handletextpad=0.5, columnspacing=1.2, **place)


def from_zero(ax: Axes) -> None:
    """The vertical axis from 0 to so far above what is drawn that no mark is cut."""
    _, top = ax.get_ylim()
    ax.set_ylim(0, max(top, 1.06 * ax.dataLim.y1))


def shortened_name(name: str, most: int = 18) -> str:
    """A name that must fit beside an axis; a long one loses its middle."""
    if len(name) <= most:
        return name
    return f"{name[: most // 2]}…{name[-(most // 2 - 1) :]}"


def shortened(value: float, _: int) -> str:
    """12k for 12,000: a label of an axis."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
