"""Exports of several tools: the same pictures are the same data; archives, and other paths."""

from __future__ import annotations

import json
import stat
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from study.config import DataConfig
from study.data.batches.decoded import decode, read_rgb
from study.data.cache import cache_dir
from study.data.checks import problems
from study.data.formats import format_of, recognised
from study.data.index import Index
from study.data.splits import Splits, open_splits

RACCOONS = Path(__file__).parents[4] / "shared" / "data" / "raccoons"
CLASSES = ("cat", "dög")
Picture = tuple[str, tuple[int, int], list[tuple[int, list[int]]]]
"""File name, width and height px, and objects: class and x, y, width, height in px."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))


def pictures(number: int = 24) -> list[Picture]:
    """Of mixed shape, of one to three objects, one with none, with names as people have them."""
    rng = np.random.default_rng(0)
    made: list[Picture] = []
    for at in range(number):
        width, height = (60, 40) if at % 3 else (40, 70)
        objects = [
            (
                int(rng.integers(2)),
                [int(v) for v in (*rng.integers(0, 15, 2), *rng.integers(5, 20, 2))],
            )
            for _ in range(at % 4)
        ]
        made.append((f"bild {at} ü.png", (width, height), objects))
    return made


def draw(folder: Path, made: list[Picture]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for at, (name, (width, height), _) in enumerate(made):
        coarse = np.random.default_rng(at).integers(0, 256, (7, 5, 3), np.uint8)
        Image.fromarray(coarse).resize((width, height)).save(folder / name)


def coco(folder: Path, made: list[Picture], prefix: str = "", dummy: bool = False) -> Path:
    """One JSON and images/, ids of no order; with `dummy` a class that no object has."""
    names = ["animals", *CLASSES] if dummy else list(CLASSES)
    shift = int(dummy)
    images, annotations = [], []
    for at, (name, (width, height), objects) in enumerate(made):
        id_ = 1000 - at
        images.append({"id": id_, "file_name": prefix + name, "width": width, "height": height})
        for label, box in objects:
            area = box[2] * box[3]
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": id_,
                    "category_id": label + shift,
                    "bbox": box,
                }
                | {"area": area, "iscrowd": 0, "segmentation": []}
            )
    categories = [{"id": k, "name": name} for k, name in enumerate(names)]
    draw(folder / "images", made)
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return folder


def voc(folder: Path, made: list[Picture]) -> Path:
    """images/ and annotations/ without image sets; VOC counts pixels from 1."""
    draw(folder / "images", made)
    (folder / "annotations").mkdir()
    for name, (width, height), objects in made:
        text = "".join(
            f"<object><name>{CLASSES[label]}</name><difficult>0</difficult><bndbox>"
            f"<xmin>{x + 1}</xmin><ymin>{y + 1}</ymin><xmax>{x + w}</xmax><ymax>{y + h}</ymax>"
            "</bndbox></object>"
            for label, (x, y, w, h) in objects
        )
        size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
        file = (folder / "annotations" / name).with_suffix(".xml")
        file.write_text(f"<annotation>{size}{text}</annotation>", "utf-8")
    return folder


def yolo(folder: Path, made: list[Picture], images: str = "train/images") -> Path:
    """A hosted tool's layout, whose YAML says ../train/images; an empty file for no object."""
    draw(folder / images, made)
    labels = folder / images.replace("images", "labels")
    labels.mkdir(parents=True)
    for name, (width, height), objects in made:
        lines = [
            f"{label} {(x + w / 2) / width} {(y + h / 2) / height} {w / width} {h / height}\r\n"
            for label, (x, y, w, h) in objects
        ]
        (labels / name).with_suffix(".txt").write_text("".join(lines))
    (folder / "data.yaml").write_text(
        f"train: ../{images}\nnc: 2\nnames: {json.dumps(list(CLASSES))}\n", "utf-8"
    )
    return folder


def labelme(folder: Path, made: list[Picture]) -> Path:
    """A JSON beside each picture, whose path is of Windows."""
    draw(folder, made)
    for name, (width, height), objects in made:
        shapes = [
            {"label": CLASSES[label], "shape_type": "rectangle", "group_id": None}
            | {"points": [[x + w, y], [x, y + h]]}
            for label, (x, y, w, h) in objects
        ]
        told = {"version": "5.4.1", "flags": {}, "shapes": shapes, "imageData": None}
        told |= {"imagePath": f"..\\x\\{name}", "imageWidth": width, "imageHeight": height}
        (folder / name).with_suffix(".json").write_text(json.dumps(told))
    return folder


def zipped(folder: Path, file: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, inside + path.relative_to(folder).as_posix())
        archive.writestr("__MACOSX/._x", b"")
    return file


def content(index: Index) -> dict[str, Any]:
    """By the last part of the file's name: size, and class and box of each object."""
    found = {}
    for at, name in enumerate(index.file_name.tolist()):
        rows = index.rows(int(index.image_id[at]))
        objects = [
            (str(index.category_name[index.label[row]]), *np.round(index.bbox[row], 6).tolist())
            for row in rows
        ]
        size = int(index.width[at]), int(index.height[at])
        found[Path(name).name] = (size, sorted(objects))
    return found


def opened(place: Path) -> Splits:
    return open_splits(DataConfig(name="custom", folder=str(place)))


def test_exports_of_the_same_pictures_are_the_same_data(tmp_path: Path):
    made = pictures()
    places = {
        "VOC": voc(tmp_path / "voc", made),
        "YOLO": yolo(tmp_path / "yolo", made),
        "LabelMe": labelme(tmp_path / "labelme", made),
        "COCO": zipped(
            coco(tmp_path / "coco", made, dummy=True), tmp_path / "export.zip", "Export/"
        ),
    }
    found = {name: opened(place) for name, place in places.items()}
    for name, splits in found.items():
        assert format_of(places[name]) == name and not problems(
            DataConfig(name="custom", folder=str(places[name]))
        )
        assert splits.train.category_name.tolist() == list(CLASSES)
        assert content(splits.train) == content(found["COCO"].train)
        assert len(splits.val_ids) == len(found["COCO"].val_ids)
    assert found["COCO"].unused == ("animals",) and not found["VOC"].unused
    size, objects = content(found["YOLO"].train)["bild 7 ü.png"]
    assert size == (60, 40) and len(objects) == 3


@pytest.mark.skipif(not RACCOONS.is_dir(), reason="the pictures are not there")
def test_exports_of_photos_are_the_same_data(tmp_path: Path):
    given = Index.open(recognised(RACCOONS).train)
    made: list[Picture] = []
    for name, ((width, height), objects) in content(given).items():
        boxes = [(0, [round(value) for value in box]) for _, *box in objects]
        made.append((name, (width, height), boxes))
    for place in (
        yolo(tmp_path / "yolo", made),
        zipped(coco(tmp_path / "coco", made), tmp_path / "x.zip"),
    ):
        found = content(Index.open(recognised(place).train))
        assert found.keys() == content(given).keys()
        for name, (size, objects) in content(given).items():
            assert found[name][0] == size
            boxes = [box for _, *box in objects]
            np.testing.assert_allclose([box for _, *box in found[name][1]], boxes, atol=1e-4)


def test_an_archive_is_unpacked_once_and_nothing_is_written_beside_it(tmp_path: Path):
    file = (
        zipped(voc(tmp_path / "voc", pictures(6)), tmp_path / "there" / "x.zip") if False else None
    )
    (tmp_path / "there").mkdir()
    file = zipped(voc(tmp_path / "voc", pictures(6)), tmp_path / "there" / "x.zip", "a/b/")
    first = recognised(file).train
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["x.zip"]
    assert first.images.is_relative_to(cache_dir())
    times = {path: path.stat().st_mtime_ns for path in first.images.rglob("*")}
    assert {
        path: path.stat().st_mtime_ns for path in recognised(file).train.images.rglob("*")
    } == times


def _link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("images/a.jpg")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, "/etc/passwd")


@pytest.mark.parametrize(
    ("fill", "said"),
    [
        (lambda a: a.writestr("../evil.txt", b"x"), "'../evil.txt': leads out of the archive"),
        (lambda a: a.writestr("/evil.txt", b"x"), "'/evil.txt': leads out of the archive"),
        (lambda a: a.writestr("a\\..\\..\\evil.txt", b"x"), "leads out of the archive"),
        (lambda a: a.writestr("C:\\evil.txt", b"x"), "leads out of the archive"),
        (_link, "is a link: not trusted"),
        (lambda a: a.writestr("bomb", bytes(2 * 10**8)), "would unpack from"),
    ],
)
def test_what_is_not_trusted_is_not_unpacked(
    fill: Callable[[zipfile.ZipFile], None], said: str, tmp_path: Path
):
    file = tmp_path / "in" / "x.zip"
    file.parent.mkdir()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        fill(archive)
    with pytest.raises(ValueError, match=r"x\.zip") as refused:
        recognised(file)
    assert said in str(refused.value)
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == [file]


def test_a_damaged_archive_is_said(tmp_path: Path):
    file = tmp_path / "x.zip"
    file.write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(ValueError, match=r"x\.zip: cannot be read as a \.zip"):
        recognised(file)


@pytest.mark.parametrize(
    "prefix", ["C:\\Users\\me\\pics\\", "/home/me/pics/", "../images/", "wrong/", "images/"]
)
def test_names_of_another_machine_are_matched_by_their_last_part(prefix: str, tmp_path: Path):
    made = pictures(8)
    there = opened(coco(tmp_path / "plain", made)).train
    other = coco(tmp_path / "other", made, prefix)
    assert not problems(DataConfig(name="custom", folder=str(other)))
    found = opened(other).train
    assert found.file_name.tolist() == there.file_name.tolist()
    assert all(file.is_file() for file in found.files())


def test_a_name_that_several_files_have_is_not_guessed(tmp_path: Path):
    made = pictures(8)
    place = coco(tmp_path / "d", made, "C:\\pics\\")
    name = made[3][0]
    pixels = (place / "images" / name).read_bytes()
    (place / "images" / name).unlink()
    for folder in ("a", "b"):
        (place / "images" / folder).mkdir()
        (place / "images" / folder / name).write_bytes(pixels)
    (line,) = problems(DataConfig(name="custom", folder=str(place)))
    assert f"C:\\\\pics\\\\{name}" in line and "nor does a single file of that name" in line


def test_a_name_never_leads_out_of_the_folder(tmp_path: Path):
    made = pictures(8)
    place = coco(tmp_path / "d", made)
    secret = tmp_path / "secret.png"
    (place / "images" / made[0][0]).rename(secret)
    text = (place / "instances.json").read_text("utf-8")
    (place / "instances.json").write_text(text.replace(made[0][0], "../../secret.png"), "utf-8")
    (line,) = problems(DataConfig(name="custom", folder=str(place)))
    assert "'../../secret.png': not in" in line


def test_a_test_split_is_reported_on_and_val_is_tuned_on(tmp_path: Path):
    made = pictures(24)
    root = tmp_path / "export"
    for name, own in {"train": made[:12], "valid": made[12:18], "test": made[18:]}.items():
        coco(tmp_path / name, own)
        (root / name).mkdir(parents=True)
        for file in (tmp_path / name / "images").iterdir():
            file.rename(root / name / file.name)
        (tmp_path / name / "instances.json").rename(root / name / "_annotations.coco.json")
    splits = opened(root)
    assert splits.val.path.parent.name == "test" and splits.tune.path.parent.name == "valid"
    assert len(splits.pool) == 12
    text = (root / "test" / "_annotations.coco.json").read_text("utf-8")
    published = json.loads(text) | {"annotations": []}  # as of a challenge
    (root / "test" / "_annotations.coco.json").write_text(json.dumps(published), "utf-8")
    assert opened(root).val.path.parent.name == "valid"


def test_a_list_of_classes_does_for_yolo(tmp_path: Path):
    made = pictures(8)
    place = yolo(tmp_path / "d", made, "images")
    (place / "data.yaml").unlink()
    (place / "classes.txt").write_text("\ufeff" + "\r\n".join(CLASSES) + "\r\n", "utf-8")
    assert content(opened(place).train) == content(opened(voc(tmp_path / "v", made)).train)


def one_folder(place: Path) -> None:
    """Text files beside the images, as labelImg writes them."""
    for folder in ("images", "labels"):
        for file in (place / "train" / folder).iterdir():
            file.rename(place / file.name)
        (place / "train" / folder).rmdir()
    (place / "train").rmdir()
    (place / "classes.txt").write_text("\n".join(CLASSES), "utf-8")


def darknet(place: Path) -> None:
    """A list of names, a list of images from another folder, text files beside the images."""
    one_folder(place)
    (place / "classes.txt").rename(place / "obj.names")
    (place / "obj_train_data").mkdir()
    names = []
    for file in list(place.glob("*.png")) + list(place.glob("*.txt")):
        file.rename(place / "obj_train_data" / file.name)
        names += [f"data/obj_train_data/{file.name}"] if file.suffix == ".png" else []
    (place / "train.txt").write_text("\n".join(names), "utf-8")
    (place / "obj.data").write_text("classes = 2\ntrain = data/train.txt\n", "utf-8")


@pytest.mark.parametrize("arrange", [one_folder, darknet])
def test_yolo_without_a_folder_of_labels(arrange: Callable[[Path], None], tmp_path: Path):
    """Also where a folder around all of it is called images."""
    made = pictures(8)
    place = yolo(tmp_path / "images" / "d", made)
    (place / "data.yaml").unlink()
    arrange(place)
    assert not problems(DataConfig(name="custom", folder=str(place)))
    there = opened(voc(tmp_path / "v", made)).train
    for root in (place, zipped(place, tmp_path / "d.zip")):
        assert format_of(root) == "YOLO" and content(opened(root).train) == content(there)


def test_a_listed_image_that_is_nowhere_is_named(tmp_path: Path):
    place = yolo(tmp_path / "d", pictures(8))
    (place / "data.yaml").write_text("train: list.txt\nnames: [cat, dog]\n")
    names = [*(f"C:\\x\\bild {at} ü.png" for at in range(8)), "", "C:\\x\\gone.png"]
    (place / "list.txt").write_text("\n".join(names), "utf-8")
    config = DataConfig(name="custom", folder=str(place))
    (line,) = problems(config)
    assert line == f"{place / 'list.txt'}: line 10: 'C:\\\\x\\\\gone.png': there is no such image"
    (left_out,) = open_splits(replace(config, skip_bad=True)).left_out
    assert left_out.startswith(line.removesuffix("there is no such image"))


def test_names_may_make_up_their_letters_otherwise(tmp_path: Path):
    """As archives from a Mac have them: u and two dots are two characters there."""
    made = pictures(8)
    place = coco(tmp_path / "d", made)
    for file in list((place / "images").iterdir()):
        file.rename(file.with_name(unicodedata.normalize("NFD", file.name)))
    assert not problems(DataConfig(name="custom", folder=str(place)))
    assert len(list((place / "images").glob(unicodedata.normalize("NFD", "*ü.png")))) == 8


Boxes = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.tuples(st.integers(0, 30), st.integers(0, 20), st.integers(1, 30), st.integers(1, 20)),
    ).map(lambda one: (one[0], list(one[1]))),
    max_size=5,
)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(Boxes, min_size=1, max_size=3).filter(any))
def test_what_is_written_is_read_in_every_format(
    tmp_path_factory: pytest.TempPathFactory, boxes: list[Any]
):
    root = tmp_path_factory.mktemp("round")
    made: list[Picture] = [(f"{at}.png", (60, 40), own) for at, own in enumerate(boxes)]
    expected = {
        name: (size, sorted((CLASSES[label], *map(float, box)) for label, box in own))
        for name, size, own in made
    }
    for write in (coco, voc, yolo, labelme):
        assert (
            content(Index.open(recognised(write(root / write.__name__, made)).train)) == expected
        )


@pytest.mark.parametrize("write", [coco, yolo, labelme])
def test_photos_that_lie_in_their_files_are_seen_upright(
    write: Callable[[Path, list[Picture]], Path], tmp_path: Path
):
    """The tools showed them upright and annotated them so; so the network must see them."""
    made = pictures(8)
    name, (width, height), _ = made[4]
    there = opened(write(tmp_path / "d", made)).train
    (place,) = (file for file in there.files() if file.name == name)
    before = read_rgb(place, (width, height))
    lying = Image.fromarray(before).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned by 90 degrees, clockwise
    lying.save(place, exif=exif)
    with Image.open(place) as stored:
        assert stored.size == (height, width)
    config = DataConfig(name="custom", folder=str(tmp_path / "d"))
    assert not problems(config)
    splits = open_splits(config)
    assert content(splits.train)[name] == content(there)[name]
    at = splits.train.file_name.tolist().index(
        place.relative_to(splits.train.image_dir).as_posix()
    )
    image_id = splits.train.image_id[at : at + 1]
    np.testing.assert_array_equal(decode(splits.train, image_id, None)[0], before)


def shape(kind: str, points: list[Any], **more: Any) -> dict[str, Any]:
    return {"label": "cat", "shape_type": kind, "points": points, "group_id": None} | more


def labelled(folder: Path, shapes: list[dict[str, Any]]) -> DataConfig:
    """One picture of 60 x 40 px with these shapes, and others with a box."""
    made = pictures(12)
    labelme(folder, made)
    file = (folder / made[1][0]).with_suffix(".json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"shapes": shapes}))
    return DataConfig(name="custom", folder=str(folder))


def test_labelme_s_shapes(tmp_path: Path):
    shapes = [
        shape("polygon", [[1, 2], [11, 2], [11, 12], [1, 12]], group_id=7),
        shape("circle", [[30, 20], [30, 30]]),
        shape("polygon", [[21, 2], [31, 2], [31, 12], [21, 12]], group_id=7),
        shape("polygon", [[40, 2], [50, 2], [50, 12]], group_id=7, label="dög"),
    ]
    config = labelled(tmp_path / "d", shapes)
    assert not problems(config)
    index = open_splits(config).train
    at = index.file_name.tolist().index("bild 1 ü.png")
    rows = index.rows(int(index.image_id[at]))
    areas = [round(float(index.area[row]), 1) for row in rows]
    assert areas == [200, round(64 / 2 * 100 * float(np.sin(2 * np.pi / 64)), 1), 50]
    assert index.bbox[rows[0]].tolist() == [1, 2, 30, 10] and len(index.polygons(rows[0])) == 2
    assert abs(int(index.masks([rows[1]]).sum()) - 314) < 20


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (shape("point", [[1, 2]]), "shapes[0]: shape_type = 'point': must be one of polygon"),
        (shape("polygon", [[1, 2], [3, 4]]), "shapes[0]: points: a polygon has 3 or more"),
        (shape("rectangle", [[1, 2], [1, 9]]), "shapes[0]: points: must enclose a part"),
        (shape("polygon", [[1, 2], [3, "x"], [4, 5]]), "points: must be pairs of numbers"),
    ],
)
def test_labelme_s_mistakes_are_named(wrong: dict[str, Any], said: str, tmp_path: Path):
    (line,) = problems(labelled(tmp_path / "d", [wrong]))
    assert "bild 1 ü.json: " in line and said in line
