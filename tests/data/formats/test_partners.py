"""Files of annotations find their images under names that one system writes otherwise."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from study.data.formats import recognised
from study.data.formats.partners import partners
from study.data.index import Index
from tests.bad_input.formats import CAT as CAT_XML
from tests.bad_input.formats import Files, voc, written, xml
from tests.bad_input.labelme import labelme
from tests.bad_input.yolo import yolo
from tests.data.small_files import picture

NFD = unicodedata.normalize("NFD", "bär")
NFC = unicodedata.normalize("NFC", "bär")


def objects(folder: Path, files: Files) -> dict[str, int]:
    """The number of objects of each image."""
    written(folder, files)
    index = Index.open(recognised(folder / "d").train)
    numbers = index.first[1:] - index.first[:-1]
    return dict(zip(index.file_name.tolist(), numbers.tolist(), strict=True))


def renamed(files: Files, name: str, to: str) -> Files:
    return {to if given == name else given: content for given, content in files.items()}


OTHERWISE = [
    (lambda: yolo(), "images/1.png", "labels/1.txt", f"images/{NFD}.png", f"labels/{NFC}.txt"),
    (lambda: yolo(), "images/1.png", "labels/1.txt", f"images/{NFC}.png", f"labels/{NFD}.TXT"),
    (lambda: yolo(), "images/1.png", "labels/1.txt", "images/DSC1.png", "labels/dsc1.Txt"),
    (lambda: voc(xml(CAT_XML)), "1.jpg", "1.xml", f"{NFD}.jpg", f"{NFC}.XML"),
    (lambda: labelme({}), "1.png", "1.json", f"{NFD}.png", f"{NFC}.JSON"),
]


@pytest.mark.parametrize(("make", "image", "labels", "to_image", "to_labels"), OTHERWISE)
def test_names_that_systems_write_otherwise_lose_no_object(
    tmp_path: Path,
    make: Callable[[], Files],
    image: str,
    labels: str,
    to_image: str,
    to_labels: str,
):
    found = objects(tmp_path, renamed(renamed(make(), image, to_image), labels, to_labels))
    assert len(found) == 8 and set(found.values()) == {1}


def test_images_that_differ_in_capitals_keep_their_own_texts(tmp_path: Path):
    files = renamed(yolo(), "images/1.png", "images/a.png")
    files = renamed(files, "labels/1.txt", "labels/a.txt")
    found = objects(tmp_path, files | {"images/A.png": picture(9)})
    assert (found["A.png"], found["a.png"]) == (0, 1)


def test_an_unlisted_image_keeps_its_text(tmp_path: Path):
    yaml = "names: [cat, dog]\ntrain: list.txt\n"
    files = renamed(yolo("", yaml), "images/1.png", "images/A.png")
    files = renamed(files, "labels/1.txt", "labels/A.txt")
    files |= {"images/a.png": picture(9)}
    found = objects(tmp_path, files | {"list.txt": "images/a.png\nimages/2.png\n"})
    assert found == {"a.png": 0, "2.png": 1}


def test_texts_that_are_of_no_image_may_lie_beside_those_that_are(tmp_path: Path):
    notes = {
        "labels/classes.txt": "cat\ndog\n",
        "labels/README.roboflow.txt": "five words and no number",
        "labels/9.txt": "",  # of an image without objects that is not there: nothing is lost
        "old/labels/7.txt": "0 0.5 0.5 0.4 0.4\n",
        "images/notes.txt": "9 8 7 6 5\n",  # not where the texts are
    }
    assert len(objects(tmp_path, yolo() | notes)) == 8


def test_a_list_may_be_of_some_of_the_images(tmp_path: Path):
    yaml = "names: [cat, dog]\ntrain: list.txt\n"
    more = {"list.txt": "images/2.png\n", "labels/9.txt": "0 0.5 0.5 0.4 0.4\n"}
    assert objects(tmp_path, yolo("", yaml) | more) == {"2.png": 1}


def test_images_and_labels_below_one_folder(tmp_path: Path):
    files = yolo("", "names: [cat, dog]\ntrain: .\n") | {"labels/drawn.png": picture(9)}
    assert objects(tmp_path, files)["labels/drawn.png"] == 0


def test_what_is_alike_is_refused_where_it_is_not_clear(tmp_path: Path):
    images, file = [Path("Ab.png"), Path("aB.jpg")], Path("ab.txt")
    with pytest.raises(ValueError, match=r"aB\.jpg: has the same name as Ab\.png but for how it"):
        partners(images, [file])
    assert partners([*images, Path("ab.png")], [file]) == {Path("ab.png"): file}
