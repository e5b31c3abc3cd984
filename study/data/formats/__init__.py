"""The data formats that a study reads. A new one is a file here, and its line in `FORMATS`."""

from __future__ import annotations

from pathlib import Path

from study.config import DataConfig
from study.data.formats import coco, labelme, shapes, voc, yolo
from study.data.formats.archive import inner, is_archive, unpacked
from study.data.formats.format import DataSet, Format
from study.data.given import there

FORMATS: tuple[Format, ...] = (
    coco.FORMAT,
    voc.FORMAT,
    shapes.FORMAT,
    yolo.FORMAT,
    labelme.FORMAT,
)

NAMES = ", ".join(format.name for format in FORMATS)


def data_set(data: DataConfig) -> DataSet:
    """The splits that a configuration means; no annotation is read yet.

    Raises:
        ValueError: a folder that is not there, or that no format or more than one recognises.
    """
    data = data.absolute()
    if data.folder:
        found = recognised(Path(data.folder))
    elif data.train and data.train_images and data.val and data.val_images:
        found = DataSet(
            train=coco.AnnotationFile(Path(data.train), Path(data.train_images)),
            val=coco.AnnotationFile(Path(data.val), Path(data.val_images)),
        )
    else:
        found = shapes.EMBEDDED()
    if data.tune and data.tune_images:
        tune = coco.AnnotationFile(Path(data.tune), Path(data.tune_images))
        return DataSet(found.train, found.val, tune)
    return found


def recognised(place: Path) -> DataSet:
    """The data set in a folder or file, or in an archive.

    Raises:
        ValueError: it is not there, or no format or more than one recognises it.
    """
    return _recognised(place)[1]


def format_of(place: Path) -> str:
    """The name of its format. Raises as `recognised`."""
    return _recognised(place)[0]


def _recognised(place: Path) -> tuple[str, DataSet]:
    if not there(place, "data ="):
        raise ValueError(f"data = '{place}': no such file or folder")
    inside = unpacked(place) if is_archive(place) else inner(place) if place.is_dir() else place
    found = {f.name: data for f in FORMATS if (data := f.recognise(inside)) is not None}
    if len(found) == 1:
        return next(iter(found.items()))
    if found:
        names = " and as ".join(found)
        raise ValueError(
            f"data = '{place}': can be read as {names}: leave the files of one of them"
        )
    wanted = "\n".join(f"  {format.name}: {format.wants}" for format in FORMATS)
    raise ValueError(
        f"data = '{place}': not a data set of a known format, nor a .zip of one:\n{wanted}"
    )
