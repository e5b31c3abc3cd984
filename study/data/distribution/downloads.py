"""What to download for the published data sets, and where to put it.

Nothing is fetched from here: the archives are large, and whoever has them need not move them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from study.config import PATHS, DataConfig


@dataclass(frozen=True)
class Archive:
    """A file to unpack, and what of it is needed in the data set's root."""

    url: str
    gives: tuple[str, ...]
    size: str = ""  # as its publisher states it; empty: not known here


COCO_URL = "http://images.cocodataset.org"
# The Oxford server's present name, from torchvision.datasets.voc; host.robots.ox.ac.uk was it.
VOC_URL = "https://thor.robots.ox.ac.uk/pascal/VOC"

PUBLISHED: dict[str, tuple[Archive, ...]] = {
    "coco": (
        Archive(f"{COCO_URL}/zips/train2017.zip", ("train2017",), "18 GB"),
        Archive(f"{COCO_URL}/zips/val2017.zip", ("val2017",), "1 GB"),
        Archive(
            f"{COCO_URL}/annotations/annotations_trainval2017.zip",
            (
                "annotations/instances_train2017.json",
                "annotations/instances_val2017.json",
                "annotations/person_keypoints_train2017.json",
                "annotations/person_keypoints_val2017.json",
            ),
            "241 MB",
        ),
        Archive(
            f"{COCO_URL}/annotations/annotations_trainval2014.zip",
            ("annotations/instances_val2014.json",),
            "241 MB",
        ),
    ),
    "voc": (
        Archive(f"{VOC_URL}/voc2007/VOCtrainval_06-Nov-2007.tar", ("VOC2007",)),
        Archive(f"{VOC_URL}/voc2012/VOCtrainval_11-May-2012.tar", ("VOC2012",)),
    ),
}
"""By the name that a DataConfig has."""


def absent(data: DataConfig) -> str | None:
    """What is missing of a published data set and where it is to be had; None if nothing is."""
    archives = PUBLISHED.get(data.name)
    if archives is None or data.root is None:
        return None
    data = data.absolute()
    root = Path(data.root or "")
    missing = _missing(data, archives)
    if not missing:
        return None
    lines = [
        f"{root}: {', '.join(missing)}: not there; if they lie elsewhere, give --data.root DIR"
    ]
    if wanted := [archive for archive in archives if not set(missing).isdisjoint(archive.gives)]:
        lines.append(f"To get {data.name}, download and unpack there")
        lines += [_line(archive, missing) for archive in wanted]
    return "\n".join(lines)


def _line(archive: Archive, missing: list[str]) -> str:
    size = f" ({archive.size})" if archive.size else ""
    wanted = [path for path in archive.gives if path in missing]
    return f"  {archive.url}{size} for {' and '.join(wanted)}"


def _missing(data: DataConfig, archives: tuple[Archive, ...]) -> list[str]:
    """What is wanted and not there, as it is called from the root: of a folder, all archives."""
    root = Path(data.root or "")
    wanted = [root / path for archive in archives if data.folder for path in archive.gives]
    named = [Path(path) for path in (getattr(data, name) for name in PATHS) if path]
    missing = [path for path in dict.fromkeys([*wanted, *named]) if not path.exists()]
    names = [str(p.relative_to(root)) if p.is_relative_to(root) else str(p) for p in missing]
    return [name for name in dict.fromkeys(names) if name != "."]
