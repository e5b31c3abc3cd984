"""Which file of annotations is which image's: by its name, whatever system it was written on.

Suffixes are the same in capital letters. Names that are not the same as they stand are so all the
same if `study.data.index.placing.plain` has them alike, and no other name is as good.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from study.config.printable import one_line
from study.data.formats.beside import Labelled
from study.data.index.placing import plain
from study.data.source import IMAGE_SUFFIXES
from study.storage.listing import matching

LOOKED_AT = 20  # files of a folder, to recognise its format
READ = ", ".join(sorted(IMAGE_SUFFIXES))
NOTES = (".csv", ".json", ".md", ".txt", ".xml", ".yaml", ".yml")  # suffixes that no picture has


def first_files(folder: Path, suffix: str) -> list[Path]:
    """Some regular files of a suffix, by which a format is recognised: one may be broken."""
    return [path for path in files_in(folder, suffix)[:LOOKED_AT] if path.is_file()]


def images_in(folder: Path) -> list[Path]:
    """The image files that lie directly in a folder, in the order of their names."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and path.name[0] != "."
    )


def files_in(folder: Path, suffix: str) -> list[Path]:
    """The files of a suffix in a folder, by name; not the hidden ones that systems put there."""
    every = matching(folder, "*")
    return [path for path in every if path.suffix.lower() == suffix and path.name[0] != "."]


def partners(
    images: Iterable[Path], files: Iterable[Path], others: Iterable[Path] = ()
) -> dict[Path, Path]:
    """Each image's file of annotations, for those that have one.

    Args:
        images: all of one folder.
        files: all of one folder, of one suffix.
        others: images that lie there too; a file of the very name of one is its own.

    Raises:
        ValueError: a file may be of two images, or an image have two files.
    """
    taken = {image.stem for image in others} - {image.stem for image in images}
    by_name: defaultdict[str, list[Path]] = defaultdict(list)
    for file in files:
        if file.stem not in taken:
            by_name[plain(file.stem)].append(file)
    alike: defaultdict[str, list[Path]] = defaultdict(list)
    for image in images:
        alike[plain(image.stem)].append(image)
    found: dict[Path, Path] = {}
    for name, some in alike.items():
        if name in by_name:
            found |= _matched(some, by_name[name])
    return found


def _matched(images: list[Path], files: list[Path]) -> dict[Path, Path]:
    """Of names that are alike: those that are the same as they stand, then what is left."""
    found: dict[Path, Path] = {}
    for image in images:
        own = [file for file in files if file.stem == image.stem]
        same = [other for other in images if other.stem == image.stem]
        if own and len(same) > 1:
            raise _two_images(same[1], same[0])
        if len(own) > 1:
            raise _two_files(own[1], own[0], image)
        if own:
            found[image] = own[0]
    files = [file for file in files if file not in found.values()]
    images = [image for image in images if image not in found]
    if not images or not files:
        return found
    if len(images) > 1:
        raise _two_images(images[1], images[0])
    if len(files) > 1:
        raise _two_files(files[1], files[0], images[0])
    return found | {images[0]: files[0]}


def _two_images(image: Path, other: Path) -> ValueError:
    """That both have one name."""
    but = "the suffix" if image.stem == other.stem else "how it is written, or the suffix"
    said = (
        f"{image}: has the same name as {other} but for {but}, and one file of"
        " annotations cannot belong to both: rename or remove one of them"
    )
    return ValueError(one_line(said))


def _two_files(file: Path, other: Path, image: Path) -> ValueError:
    said = (
        f"{file}: has the same name as {other} but for how it is written, and both may be of"
        f" {image}: remove one of them"
    )
    return ValueError(one_line(said))


def paired(
    images: Path, labels: Path, suffix: str, masks: Path | None = None
) -> tuple[dict[str, Labelled], list[Path]]:
    """The images of a folder by name without suffix, each with its file in another.

    Args:
        suffix: of the files of annotations.
        masks: a folder that may have a PNG of the same name.

    Returns:
        the images, and files of annotations that belong to none.

    Raises:
        ValueError: two images have one name.
    """
    every, files = images_in(images), files_in(labels, suffix)
    first: dict[str, Path] = {}
    for image in every:
        if (other := first.setdefault(image.stem, image)) is not image:
            raise _two_images(image, other)
    of = partners(every, files)
    mask_of = partners(every, files_in(masks, ".png")) if masks else {}
    found = {image.stem: Labelled(image, of.get(image), mask_of.get(image)) for image in every}
    own = set(of.values())
    return found, [file for file in files if file not in own]


def alone(files: Sequence[Path], folder: Path) -> list[str]:
    """A line for each file of annotations that has no image in a folder."""
    others = unread(folder) if files else {}
    lines = []
    for file in files:
        line = f"{file}: there is no image of that name in {folder}"
        if picture := others.get(plain(file.stem)):
            line += f" that is read ({READ}), and {picture.name} is not: save it as one of these"
        else:
            line += ": add it, or remove the file"
        lines.append(one_line(line))
    return lines


def unread(folder: Path) -> dict[str, Path]:
    """Files that may be pictures of a kind that is not read, by `plain` names without suffix."""
    no_picture = (*IMAGE_SUFFIXES, *NOTES, "")
    every = [path for path in matching(folder, "*") if path.suffix.lower() not in no_picture]
    return {plain(path.stem): path for path in every if path.is_file()}
