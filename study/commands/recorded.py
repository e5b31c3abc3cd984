"""What a sweep writes down of its study before the first trial."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from platform import python_version
from typing import Any

from study.commands.options.sweep import Sweep
from study.config.checks.addresses import hidden
from study.data.splits import Splits
from study.data.statistics import per_image
from study.planning.design import Design
from study.storage import detection_files
from study.storage.run_dir import StudyDir
from study.training.evaluation.chance import chance

PACKAGES = ("ray", "optuna", "scipy", "torch", "torchvision", "hotcoco", "numpy")


def manifest(
    asked: Design,
    splits: Splits,
    sweep: Sweep,
    command: list[str],
    known: dict[str, float] | None = None,
) -> dict[str, Any]:
    """The contents of study.json; `command` as one would type it, `known` the chance level."""
    sizes, network = asked.space.scientific.sizes, asked.space.fixed.model
    return {
        "question": asked.question(splits.digests()),
        # follows from the question, and so is no part of it: of the subsets that are tuned on
        "per_image": {
            str(size): per_image(splits.train, splits.subset(size), network) for size in sizes
        },
        "chance": known or chance(splits),  # likewise
        "budget": asdict(asked.budget) | {"max_hours": sweep.budget.max_hours},
        "report_images": str(splits.val.image_dir),
        "workers": sweep.workers,
        "versions": {"python": python_version()} | {name: version(name) for name in PACKAGES},
        "command": [hidden(word) for word in command],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def keep_truth(study: StudyDir, splits: Splits) -> None:
    """Leave the report split's ground truth beside the detections that are scored by it.

    It follows from the question, so that once is enough, unless the file has been damaged, or is
    another study's.
    """
    index, ids = splits.images("report")
    if detection_files.has_truth(study, ids.tolist()):
        return
    truth = index.coco(ids)
    for image in truth["images"]:
        place = index.position(image["id"])
        image["file_name"] = str(index.file_name[place])
        if index.upright[place]:
            image["upright"] = True  # for whoever draws boxes on it
        if index.scale:
            image["scale"] = asdict(index.scale)  # likewise
    detection_files.write_truth(study, truth)
