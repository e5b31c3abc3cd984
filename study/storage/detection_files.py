"""The detections of a study's evaluations, and the ground truth of the images they are of.

With both, a run directory shows on any machine how much depends on the choice of evaluation images
and what kinds of mistakes were made; only pictures need the images too. Detections are a Parquet
file per tail, at full precision: scored again they give the recorded AP. On the embedded data a
file takes 0.1 to 0.2 MB (200 images, up to 20 detections each, with masks).

    report_split.json.gz                the ground truth, once per study
    trials/<trial_id>/detections-<leg>.parquet
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.storage import File
from study.storage.ground_truth import require_whole
from study.storage.run_dir import StudyDir, TrialDir

Row = dict[str, Any]
"""One detection, as in a COCO results file."""

_BOX = ("x", "y", "width", "height")  # px
_SCHEMA = pa.schema(
    [
        ("image_id", pa.int64()),
        ("category_id", pa.int64()),
        ("score", pa.float64()),
        *((name, pa.float64()) for name in _BOX),
        ("mask", pa.string()),  # compressed run lengths; null without a mask
        ("mask_height", pa.int32()),
        ("mask_width", pa.int32()),
        ("keypoints", pa.list_(pa.float64())),  # x, y, visibility, one after another
    ]
)
_COMPACT: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 9,
    "use_dictionary": ["image_id", "category_id", "mask_height", "mask_width"],
    "use_byte_stream_split": ["score", *_BOX],
}


REMEDY = "remove it: the study's answer needs none, its page then goes without these pictures"


def detections_file(trial: TrialDir, leg: str) -> File:
    """Where a leg's detections are stored."""
    return File(trial.store, f"detections-{leg}.parquet")


def write_detections(file: File, detections: list[Row]) -> None:
    """Store detections, whole or not at all; the same ones give the same bytes."""
    columns: dict[str, list[Any]] = {
        name: [row[name] for row in detections] for name in ("image_id", "category_id", "score")
    }
    for at, name in enumerate(_BOX):
        columns[name] = [row["bbox"][at] for row in detections]
    masks = [row.get("segmentation") for row in detections]
    columns["mask"] = [mask and mask["counts"] for mask in masks]
    for at, name in enumerate(("mask_height", "mask_width")):
        columns[name] = [mask and mask["size"][at] for mask in masks]
    columns["keypoints"] = [row.get("keypoints") for row in detections]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=_SCHEMA), sink, **_COMPACT, write_page_checksum=True)
    file.write(sink.getvalue().to_pybytes())


def read_detections(file: File, masks: bool = True) -> list[Row]:
    """The detections as they were given to `write_detections`, masks if asked for.

    Raises:
        ValueError: not such a file.
    """
    try:
        names = [name for name in _SCHEMA.names if masks or not name.startswith("mask")]
        table = pq.read_table(
            pa.BufferReader(file.read() or b""), columns=names, page_checksum_verification=True
        ).cast(pa.schema([_SCHEMA.field(name) for name in names]))
        rows = table.to_pylist()
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{file}: holds no detections ({why}); {REMEDY}") from error
    found: list[Row] = []
    for row in rows:
        one = {name: row[name] for name in ("image_id", "category_id", "score")}
        one["bbox"] = [row[name] for name in _BOX]
        if row.get("mask") is not None:
            size = [row["mask_height"], row["mask_width"]]
            one["segmentation"] = {"size": size, "counts": row["mask"]}
        if row["keypoints"] is not None:
            one["keypoints"] = row["keypoints"]
        found.append(one)
    return found


TRUTH_REMEDY = (
    "the study's own command writes it anew; or remove it: the study's answer needs none, its page"
    " then goes without these pictures"
)


def truth_file(study: StudyDir) -> File:
    """Where a study stores the ground truth of its report split."""
    return File(study.store, "report_split.json.gz")


def write_truth(study: StudyDir, truth: dict[str, Any]) -> None:
    """Store a COCO data set whose images also have their `file_name`, whole or not at all."""
    content = json.dumps(truth, separators=(",", ":")).encode()
    truth_file(study).write(gzip.compress(content, mtime=0))


def has_truth(study: StudyDir, image_ids: Iterable[int]) -> bool:
    """Whether the ground truth of these images is there, and whole."""
    try:
        found = read_truth(study)
    except ValueError:
        return False
    return found is not None and [one["id"] for one in found["images"]] == list(image_ids)


def read_truth(study: StudyDir) -> dict[str, Any] | None:
    """The ground truth of the report split; None if the study has none stored.

    Raises:
        ValueError: not such a file.
    """
    content = (file := truth_file(study)).read()
    if content is None:
        return None
    try:
        found = json.loads(gzip.decompress(content))
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise ValueError(f"{file}: holds no ground truth ({error}); {TRUTH_REMEDY}") from error
    try:
        require_whole(found)
    except ValueError as error:
        why = f"holds no ground truth in COCO's form: {error}"
        raise ValueError(f"{file}: {why}; {TRUTH_REMEDY}") from error
    return found
