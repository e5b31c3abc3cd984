"""The metrics by name: a file for each, and its line here.

COCO's are always there, because settings are chosen by its box AP.
"""

from __future__ import annotations

from study.config.checks.require import require
from study.training.evaluation.coco import COCO
from study.training.evaluation.metric import Column, Metric
from study.training.evaluation.voc import VOC

METRICS: dict[str, Metric] = {one.name: one for one in (COCO, VOC)}

COLUMNS: dict[str, Column] = {
    name: column for metric in METRICS.values() for name, column in metric.columns.items()
}
"""Every column that a record may have, without those of test-time augmentation."""


def chosen(name: str) -> list[Metric]:
    """COCO's, and the one that a configuration asks for.

    Raises:
        ValueError: no such metric; lists those there are.
    """
    require(name in METRICS, "evaluation.metric", name, f"one of {', '.join(METRICS)}")
    return [COCO] if name == COCO.name else [COCO, METRICS[name]]
