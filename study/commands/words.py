"""What commands say in words: scores and durations."""

from __future__ import annotations

from study.storage.run_dir import Record
from study.training.evaluation.metrics import COLUMNS

BOX_AP = COLUMNS["AP_box"].called


def scores(record: Record) -> list[tuple[str, float | None]]:
    """What the record's main scores are called, and each in points 0-100.

    Those of test-time augmentation come last. None is a score without ground truth; only box AP
    is named then, so that data without masks are not told of masks.
    """
    plain = {name: column.called for name, column in COLUMNS.items() if column.called}
    named = plain | {f"{name}_augmented": f"augmented {text}" for name, text in plain.items()}
    there = [(name, record[column]) for column, name in named.items() if column in record]
    return [(name, ap) for name, ap in there if ap is not None or name == BOX_AP]


def listed(record: Record) -> str:
    """The record's main scores in a line: `box AP 31.5, mask AP 28.0`."""
    return ", ".join(
        f"{name} " + ("none" if ap is None else f"{ap:.1f}") for name, ap in scores(record)
    )


def duration(seconds: float) -> str:
    """A time for people: 45 s, 7 min, 3.4 h, 12 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 72 * 3600 else f"{seconds / 86400:.0f} days"


def left(seconds: float | None) -> str:
    """How much longer, to stand behind other words; nothing where that is not known."""
    return "" if seconds is None else f", about {duration(seconds)} left"
