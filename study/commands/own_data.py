"""What a study takes from a data set of one's own: sizes, anchors, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from study.config import DataConfig
from study.data.checks import near_between
from study.data.formats import format_of
from study.data.index import Index
from study.data.splits import Splits
from study.data.statistics import anchor_px
from study.planning import sizes
from study.planning.design import Design
from study.storage.run_dir import StudyDir

FILE = "splits.json"
FEW_CLASSES = 5  # that are named
RULE = (
    "Where the data have no split of their own, its images are drawn by a fixed seed, the same for"
    " every study: first those to report on, then those to tune on. Near-duplicates stay together."
)


def sized(
    asked: Design, splits: Splits, study: StudyDir, gpu: Callable[[], bool]
) -> tuple[Design, str]:
    """The design with sizes that suit the data, and a line that says them.

    Those of a study that exists stay. `gpu`: whether one trains; only asked where it matters.
    """
    images, space = len(splits.pool), asked.space
    if study.exists:
        chosen, why = tuple(study.manifest["question"]["sizes"]), "as the study has them"
    else:
        bounded = images > sizes.CPU_MOST and not gpu()
        chosen, why = sizes.proposed(images, gpu=not bounded), "give others with --sizes"
        why += f"; at most {sizes.CPU_MOST:,} without a GPU" if bounded else ""
    space = replace(space, scientific=replace(space.scientific, sizes=chosen))
    listed = ", ".join(map(str, chosen))
    line = f"sizes       {listed} of {images:,} training images ({why})"
    return replace(asked, space=space), line


def laddered(asked: Design, study: StudyDir) -> Design:
    """The design with lengths that suit its largest size; those of a study that exists stay."""
    largest = asked.space.scientific.sizes[-1]
    if study.exists:
        recorded = study.manifest["question"]["nuisance"]
        largest = max(map(int, recorded.get("longer") or [0]))
    nuisance = sizes.longer_ladders(asked.space.nuisance, largest)
    return replace(asked, space=replace(asked.space, nuisance=nuisance))


def suited(asked: Design, splits: Splits) -> Design:
    """The design with anchors laid over the boxes of a data set of one's own, and without masks
    where no object has one: a mask head would learn the boxes again.
    """
    train, network = splits.train, asked.space.fixed.model
    reported = splits.val_ids if splits.val is train else []
    image_ids = np.setdiff1d(train.image_id, reported)
    anchors = anchor_px(train, image_ids, network)
    network = replace(network, anchor_px=anchors, masks=network.masks and train.any_mask)
    fixed = replace(asked.space.fixed, model=network)
    return replace(asked, space=replace(asked.space, fixed=fixed))


def found(data: DataConfig, splits: Splits) -> list[str]:
    """Lines that say what was found: format, images, objects, and where splits come from."""
    if data.generated:
        return []
    name = format_of(Path(data.folder)) if data.folder else "COCO"
    indexes = {id(index): index for index in (splits.train, splits.tune, splits.val)}.values()
    images = sum(len(index.image_id) for index in indexes)
    objects = sum(int((~index.crowd).sum()) for index in indexes)
    without = sum(_without_objects(index) for index in indexes)
    some = f" ({without:,} without an object)" if without else ""
    classes = len(splits.train.category_id)
    held = f"{len(splits.val_ids):,} images"
    report = (
        f"no val split: {held} are held out to report on, the same ones for every command and seed"
        if splits.val is splits.train
        else f"val split: {held}"
    )
    names = splits.train.category_name.tolist()
    named = f" ({', '.join(names)})" if classes <= FEW_CLASSES else ""
    line = (
        f"found       {name}: {images:,} images{some}, {objects:,} objects of {classes}"
        f" {'class' if classes == 1 else 'classes'}{named}, {_annotated(splits.train)}; {report}"
    )
    more = (
        *(splits.note_unused, splits.note_together, splits.note_left_out, splits.note_scale),
        near_between(data, splits),
    )
    return [line, *(f"data        {note}" for note in more if note)]


def keep_splits(study: StudyDir, splits: Splits) -> None:
    """Write down which images are in which split, to be used elsewhere; once is enough."""
    try:
        there = json.loads(study.store.read(FILE) or b"")
    except ValueError:
        there = None  # not there yet, or damaged
    if not isinstance(there, dict):
        study.store.write(FILE, json.dumps(document(splits), indent=1).encode())


def document(splits: Splits) -> dict[str, Any]:
    """Names of the images of each split, relative to the folder of images that is named too."""
    parts = {"tune": splits.images("tune"), "report": splits.images("report")}
    return {
        "rule": RULE,
        "splits": {
            name: {"images": str(index.image_dir), "file_names": _names(index, ids)}
            for name, (index, ids) in {"train": (splits.train, splits.pool), **parts}.items()
        },
        "near_duplicates": [_names(splits.train, ids) for ids in splits.together],
        "left_out": list(splits.left_out),
    }


def _names(index: Index, image_ids: np.ndarray) -> list[str]:
    return index.file_name[np.searchsorted(index.image_id, image_ids)].tolist()


def _without_objects(index: Index) -> int:
    """How many images have no object; crowd regions are none."""
    before = np.concatenate([[0], (~index.crowd).cumsum()])  # objects before each annotation
    return int((np.diff(before[index.first]) == 0).sum())


def _annotated(index: Index) -> str:
    """What objects have."""
    kinds = ["boxes", *["masks"] * index.any_mask, *["keypoints"] * bool(len(index.keypoint_name))]
    return " and ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
