"""What is wrong with a data set, said before any work starts: one line each, with file and field.

Looking into thousands of image files takes a while, and so does an annotation file of COCO's size:
what was in order is remembered in the cache, and looked at again only when a file has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from study.config import DataConfig
from study.data.cache import build_once, cache_dir
from study.data.checks.annotations import VERSION, structure
from study.data.checks.image_files import of_images
from study.data.checks.skipping import Skipping, usable_set
from study.data.distribution.downloads import PUBLISHED, absent
from study.data.formats import data_set
from study.data.formats.coco import AnnotationFile, read_image_ids
from study.data.given import folder_there
from study.data.index import Index
from study.data.index.placing import linked_out
from study.data.source import LISTS, BadData, Source
from study.data.splits import Splits, open_splits
from study.data.splits.between import between
from study.data.splits.same_pictures import shared_images

SKIP = "Mend the files, or leave out what cannot be used: --skip-bad."


def check(data: DataConfig, sizes: Sequence[int] = ()) -> None:
    """Refuse data that cannot be trained on at these sizes.

    Raises:
        BadData: lists every problem found.
        ValueError: there is no cache to keep what is found in, which is no problem of the data.
    """
    cache_dir()
    found = problems(data, sizes)
    if found:
        without = replace(data, skip_bad=True)
        helps = not data.skip_bad and not problems(without, sizes)
        raise BadData(found, SKIP if helps else "")


def problems(data: DataConfig, sizes: Sequence[int] = ()) -> list[str]:
    """Every problem of a data set, a line each; empty if there is none."""
    if to_get := absent(data):
        return [to_get]
    data = data.absolute()
    if data.train_within:
        try:
            read_image_ids(Path(data.train_within))
        except ValueError as error:
            return [f"data.train_within: {error}"]
    try:
        found = usable_set(data) if data.skip_bad else data_set(data)
    except ValueError as error:
        return _lines(error)
    splits = {"train": found.train, "val": found.val, "tune": found.tune}
    sources = {name: source for name, source in splits.items() if source is not None}
    lines = [line for source in sources.values() for line in of_split(source)]
    if lines:
        return lines
    indexes = {name: Index.open(source) for name, source in sources.items()}
    if data.name not in PUBLISHED:  # a benchmark is compared as it was published
        files = {name: index.files() for name, index in indexes.items()}
        lines = shared_images(files)
        if not lines and len(files) > 1 and not data.generated:
            lines = between(files).lines
    lines += [line for source in sources.values() for line in _led_out(source)]
    if lines:
        return lines
    try:
        splits = open_splits(data)
        for size in sizes:
            splits.subset(size)
    except ValueError as error:
        return [str(error)]
    empty = (
        _without_objects("to train on", splits.train, splits.pool, "nothing can be learnt"),
        _without_objects("to report on", *splits.images("report"), "there is no AP"),
    )
    return [line for line in empty if line]


def near_between(data: DataConfig, splits: Splits) -> str | None:
    """What is to be said of pictures of two splits that look nearly the same; None: nothing."""
    indexes = {"train": splits.train, "tune": splits.tune, "val": splits.val}
    files = {id(index): (name, index.files()) for name, index in indexes.items()}
    if data.generated or data.name in PUBLISHED or len(files) == 1:
        return None
    return between(dict(files.values())).note


def require_objects_to_tune_on(splits: Splits) -> None:
    """Raises ValueError where no setting can be chosen."""
    index, ids = splits.images("tune")
    if line := _without_objects("to tune on", index, ids, "no setting can be chosen"):
        raise ValueError(line)


def _without_objects(name: str, index: Index, ids: np.ndarray, effect: str) -> str | None:
    """A line for images of which none has anything to find."""
    rows = [row for i in ids for row in index.rows(int(i))]
    if not len(ids) or (~index.crowd[rows]).any():
        return None
    return (
        f"{index.path}: annotations: none of the {len(ids):,} images {name} has an object (crowd"
        f" regions are none), so that {effect}: label some, or choose others"
    )


def of_split(source: Source) -> list[str]:
    """The problems of a split's annotations and images."""
    try:
        remembered = cache_dir() / "in-order" / f"{source.digest()}-v{VERSION}"
        folder_there(source.images, "images")
        found = [] if remembered.exists() else _of_annotations(source)
    except ValueError as error:
        return _lines(error)
    if found:
        return found
    build_once(remembered, lambda to: to.touch())
    try:
        index = Index.open(source)  # the annotations are not in memory any more
    except ValueError as error:
        return _lines(error)
    return of_images(source, index)


def _of_annotations(source: Source) -> list[str]:
    content = source.read()
    found = [
        f"{source.path}: {name}[{at}]: must be an object"
        for name in LISTS
        for at, item in enumerate(content[name])
        if not isinstance(item, dict)
    ]
    return found or list(structure(content, source))


def _led_out(source: Source) -> list[str]:
    """Names in a file must not lead out of the folder of images through a link to another."""
    given = source.whole if isinstance(source, Skipping) else source
    if not isinstance(given, AnnotationFile):
        return []  # the names are those of files that were found there
    index = Index.open(source)
    return [
        f"{source.path}: images: file_name = {name!r}: {folder} is a link that leads out of"
        f" {source.images}: copy what is there into it"
        for name, folder in linked_out(index.file_name, source.images)
    ]


def _lines(error: ValueError) -> list[str]:
    return error.problems if isinstance(error, BadData) else [str(error)]
