"""What commands say in words: scores and durations."""

from __future__ import annotations

from study.storage.run_dir import Record
from study.training.evaluation.metrics import COLUMNS


def scores(record: Record) -> list[tuple[str, float | None]]:
    """What the record's main scores are called, and each in points 0-100.

    Those of test-time augmentation come last. None is a score without ground truth.
    """
    plain = {name: column.called for name, column in COLUMNS.items() if column.called}
    named = plain | {f"{name}_augmented": f"augmented {text}" for name, text in plain.items()}
    return [(name, record[column]) for column, name in named.items() if column in record]


def duration(seconds: float) -> str:
    """A time for people: 45 s, 7 min, 3.4 h, 12 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 72 * 3600 else f"{seconds / 86400:.0f} days"
