"""The scores of a record in words."""

from __future__ import annotations

from study.storage.run_dir import Record

_NAMES = {
    "AP_box": "box AP",
    "AP_mask": "mask AP",
    "AP_keypoint": "keypoint AP",
    "mAP_voc07": "VOC07 mAP",
    "mAP_voc12": "VOC12 mAP",
}


def scores(record: Record) -> list[tuple[str, float | None]]:
    """What the record's main scores are called, and each in points 0-100.

    Those of test-time augmentation come last. None is a score without ground truth.
    """
    named = _NAMES | {
        f"{column}_augmented": f"augmented {name}" for column, name in _NAMES.items()
    }
    return [(name, record[column]) for column, name in named.items() if column in record]
