"""VOC's XML, YOLO's texts and LabelMe's JSON: broken, or impossible."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bad_input.case import Case
from tests.data.small_files import HEIGHT, WIDTH, picture

Files = dict[str, bytes | str]
IMAGES = 8
PREPARE = ["study.prepare", "--data", "d"]


def written(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / "d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def command(make: Callable[[], Files]) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        written(folder, make())
        return PREPARE

    return write


BOX = {"xmin": "2", "ymin": "3", "xmax": "10", "ymax": "12"}


def bndbox(**corners: str) -> str:
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in (BOX | corners).items())
    return f"<bndbox>{inner}</bndbox>"


def xml(*objects: str, size: str | None = None, head: str = "", name: str = "") -> str:
    size = (
        f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>" if size is None else size
    )
    inner = "\n".join(f"<object>{one}</object>" for one in objects)
    return f"{head}<annotation>\n{name}{size}\n{inner}\n</annotation>"


CAT = f"<name>cat</name>{bndbox()}"


def voc(bad: bytes | str, name: str = "1.xml") -> Files:
    """Images with a cat each; what one XML file has."""
    files: Files = {f"{k}.jpg": picture(k, "jpeg") for k in range(1, IMAGES + 1)}
    files |= {f"{k}.xml": xml(CAT) for k in range(1, IMAGES + 1)}
    return files | {name: bad}


def of_voc(name: str, bad: bytes | str, *says: str) -> Case:
    return Case(name, command(lambda: voc(bad)), ("d/1.xml: ", *says), never=("annotations id",))


def an_object(name: str, inner: str, *says: str) -> Case:
    """The second object of the first file."""
    return of_voc(name, xml(CAT, inner), "line 4: object 2: ", *says)


SETS = "ImageSets/Main/{}.txt"
KLINGON = '<?xml version="1.0" encoding="klingon"?>'
NO_HEIGHT = "<size><width>24</width></size>"
BOMB = '<!DOCTYPE a [<!ENTITY a0 "ha">' + "".join(
    f'<!ENTITY a{k} "{f"&a{k - 1};" * 20}">' for k in range(1, 12)
)

VOC = [
    of_voc("an empty XML file", "", "cannot be read as XML: it is empty"),
    of_voc("XML cut off", xml(CAT)[:70], "line 3: cannot be read as XML"),
    of_voc("an unknown encoding", xml(CAT, head=KLINGON), "cannot be read"),
    of_voc("XML that is not UTF-8", xml(CAT).encode().replace(b"cat", b"c\xe4t"), "line 3"),
    of_voc("a bomb of entities", xml("<name>&a11;</name>", head=BOMB + "]>"), "cannot be read"),
    of_voc(
        "an entity of another file",
        xml("<name>&x;</name>", head='<!DOCTYPE a [<!ENTITY x SYSTEM "/etc/passwd">]>'),
        "undefined entity",
    ),
    of_voc("a picture as XML", picture(3), "cannot be read as XML"),
    of_voc("a page of HTML", "<html><body>404</body></html>", "is of <html>: must be of <anno"),
    of_voc(
        "XML of CVAT's own",
        "<annotations><image name='1.jpg'/></annotations>",
        "is of <annotations>: must be of <annotation>",
    ),
    of_voc("an annotation in capitals", "<Annotation/>", "is of <Annotation>: must be of"),
    of_voc(
        "a namespace",
        xml(CAT).replace("<annotation>", '<annotation xmlns="http://x.org/v">'),
        "<annotation> has the namespace 'http://x.org/v'",
        "leave out xmlns",
    ),
    of_voc(
        "an object in capitals",
        xml(CAT, CAT).replace("object>", "Object>", 2),
        "<Object>: must be <object>, directly in <annotation>",
    ),
    of_voc(
        "objects in a list of their own",
        xml(CAT)
        .replace("<object>", "<objects><object>")
        .replace("</object>", "</object></objects>"),
        "<object>: must be <object>, directly in <annotation>",
    ),
    of_voc(
        "an object in a namespace",
        xml(CAT, CAT).replace("<object>", '<object xmlns="v">', 1),
        "<{v}object>: must be <object>, directly in <annotation>",
    ),
    an_object("no box", "<name>cat</name>", "bndbox: is not there: must have xmin"),
    an_object("two boxes", CAT + bndbox(), "bndbox: is there 2 times: must be there once"),
    an_object("no xmin", CAT.replace("<xmin>2</xmin>", ""), "bndbox = ['', '3'", "four numbers"),
    an_object("two xmin", CAT.replace("<xmin>", "<xmin>4</xmin><xmin>"), "xmin: is there 2 times"),
    an_object("two names", f"<name>dog</name>{CAT}", "name: is there 2 times"),
    an_object("no name", bndbox(), "name = '': must be one of cat"),
    an_object("xmin is a word", CAT.replace(">2<", ">two<"), "bndbox = ['two', '3'"),
    an_object(
        "xmin is NaN", CAT.replace(">2<", ">nan<"), "['nan', '3', '10', '12']: must be four"
    ),
    an_object("xmax is infinite", CAT.replace(">10<", ">inf<"), "must be four numbers"),
    an_object("xmax is 1e400", CAT.replace(">10<", ">1e400<"), "must be four numbers"),
    an_object("a corner with _", CAT.replace(">10<", ">1_0<"), "must be four numbers"),
    an_object(
        "a box turned round",
        CAT.replace(">2<", ">20<"),
        "must enclose a part of the image of 24 x 16 px",
    ),
    an_object(
        "a box outside", f"<name>cat</name>{bndbox(xmin='90', xmax='99')}", "must enclose a"
    ),
    an_object(
        "a corner far over the edge", CAT.replace(">10<", ">90<"), "must lie inside the image"
    ),
    an_object(
        "difficult is a word", f"{CAT}<difficult>no</difficult>", "difficult = 'no': must be"
    ),
    of_voc("two sizes", xml(CAT, size="<size/><size/>"), "size: is there 2 times"),
    of_voc("a size without height", xml(CAT, size=NO_HEIGHT), "size = ['24', '']: "),
    of_voc(
        "another size",
        xml(CAT, size="<size><width>99</width><height>16</height></size>"),
        "size = 99 x 16: ",
        "1.jpg is 24 x 16 px",
    ),
    of_voc(
        "the file name of another image",
        xml(CAT, name="<filename>2.jpg</filename>"),
        "filename = '2.jpg': must be '1.jpg'",
    ),
    Case(
        "XML without an image",
        command(lambda: voc(xml(CAT), "99.xml")),
        ("d/99.xml: there is no image of that name",),
    ),
    Case(
        "XML of an image of a kind that is not read",
        command(lambda: voc(xml(CAT), "99.xml") | {"99.heic": b"x"}),
        (
            "d/99.xml: there is no image of that name in",
            "d that is read (.bmp",
            "99.heic is not: save it",
        ),
    ),
    Case(
        "an image without XML",
        command(lambda: voc(xml(CAT)) | {"99.jpg": picture(99, "jpeg")}),
        ("d/99.jpg: there is no XML of that name",),
    ),
    Case(
        "two images of one name",
        command(lambda: voc(xml(CAT)) | {"1.png": picture(99)}),
        ("has the same name as", "rename or remove one"),
    ),
    Case(
        "image sets of other names",
        command(lambda: voc(xml(CAT)) | dict.fromkeys(map(SETS.format, "ab"), "1\n")),
        ("Main: has neither train.txt nor trainval.txt, but a, b: call the list to train on",),
    ),
    Case(
        "an image set to report on alone",
        command(lambda: voc(xml(CAT)) | {SETS.format("val"): "1\n"}),
        ("Main: has neither train.txt nor trainval.txt, but val: call the list to train on",),
    ),
    Case(
        "classes that differ in blanks",
        command(lambda: voc(xml(CAT.replace("cat", "red fox"), CAT.replace("cat", "red  fox")))),
        ("'red fox'", "too but for blanks"),
        lines=3,
    ),
]

YAML = "names: [cat, dog]\ntrain: images\n"


def yolo(bad: bytes | str = "", yaml: bytes | str = YAML, **more: bytes | str) -> Files:
    """Images with a cat each; what one text has, and the YAML file."""
    files: Files = {f"images/{k}.png": picture(k) for k in range(1, IMAGES + 1)}
    files |= {f"labels/{k}.txt": "0 0.5 0.5 0.4 0.4\n" for k in range(1, IMAGES + 1)}
    return files | {"data.yaml": yaml} | ({"labels/1.txt": bad} if bad else {}) | more


TESTED = YAML + "test: images/test\n"


def tested(objects: str) -> Files:
    """A test split with an image, and with a text of another one."""
    texts = {"labels/test/1.txt": "0 0.5 0.5 0.4 0.4\n", "labels/test/9.txt": objects}
    return {"images/test/1.png": picture(20)} | texts


def line(name: str, words: bytes | str, *says: str) -> Case:
    """The second line of the first text."""
    raw = words.encode() if isinstance(words, str) else words
    text = b"1 0.5 0.5 0.2 0.2\n" + raw + b"\n"
    return Case(name, command(lambda: yolo(text)), ("labels/1.txt: line 2: ", *says))


def yaml(name: str, text: bytes | str, *says: str, lines: int = 1) -> Case:
    return Case(name, command(lambda: yolo("", text)), ("data.yaml: ", *says), lines=lines)


YAML_BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 12)
)

YOLO = [
    line("three numbers", "0 0.5 0.5 0.2", "3 numbers after the class: must be 4 of a box"),
    line("a box and how sure", "0 0.5 0.5 0.2 0.2 0.9", "5 numbers after the class"),
    line("a class alone", "0", "0 numbers after the class"),
    line(
        "a polygon of an odd number", "0 0.1 0.1 0.5 0.1 0.5 0.5 0.9", "7 numbers after the class"
    ),
    line("a word", "cat 0.5 0.5 0.2 0.2", "'cat 0.5 0.5 0.2 0.2': must be numbers"),
    line("commas", "0,0.5,0.5,0.2,0.2", "must be numbers"),
    line("a number with _", "0 0.5 0.5 0.2 0.1_5", "must be numbers"),
    line("bytes that are no text", b"0 0.5 \xff\xfe 0.2 0.2", "must be numbers"),
    line("a class that there is not", "2 0.5 0.5 0.2 0.2", "class = 2: must be a whole number"),
    line(
        "a negative class", "-1 0.5 0.5 0.2 0.2", "class = -1: must be a whole number from 0 to 1"
    ),
    line("half a class", "0.5 0.5 0.5 0.2 0.2", "class = 0.5: must be a whole number"),
    line("a class of NaN", "nan 0.5 0.5 0.2 0.2", "class = nan: must be a whole number"),
    line("an infinite class", "inf 0.5 0.5 0.2 0.2", "class = inf: must be a whole number"),
    line("a middle of NaN", "0 nan 0.5 0.2 0.2", "must be shares of the image, from 0 to 1"),
    line("an infinite width", "0 0.5 0.5 inf 0.2", "must be shares of the image"),
    line("a value above 1", "0 0.5 1.5 0.2 0.2", "must be shares of the image, from 0 to 1"),
    line("a negative value", "0 0.5 -0.5 0.2 0.2", "must be shares of the image"),
    line("pixels", "0 12 8 4 4", "must be shares of the image, from 0 to 1"),
    line("a width of nothing", "0 0.5 0.5 0 0.2", "must enclose a part of the image"),
    line("a box far over the edge", "0 0.9 0.5 0.8 0.2", "must lie inside the image of 24 x 16"),
    line("a polygon on a line", "0 0.1 0.1 0.2 0.2 0.3 0.3", "must enclose an area"),
    yaml("YAML that is none", "names: [cat\ntrain: images\n", "line 2: cannot be read as YAML"),
    yaml("a tab in YAML", "names: [cat]\ntrain:\n\t- images\n", "line 3: cannot be read as YAML"),
    yaml("YAML of bytes", YAML.encode() + b"\xff\xfe\x00", "cannot be read as YAML"),
    yaml("a bomb of references", YAML_BOMB + "names: *a11\ntrain: x\n", "is referred to with *"),
    yaml("a bomb as path", YAML_BOMB + YAML + "path: *a11\n", "is referred to with *"),
    yaml("nested too deep", "names: " + "[" * 5000 + "\ntrain: x\n", "nested too deep"),
    yaml("an object of Python", "names: !!python/object:os.system {}\ntrain: x\n", "line 1"),
    yaml("a date that is none", "names: [2024-99-99]\ntrain: images\n", "cannot be read as YAML"),
    yaml("names twice", YAML + "names: [dog, cat]\n", "line 3: 'names' is there twice"),
    yaml("no names", "train: images\n", "names: is not there: must list the classes"),
    yaml("no names in the list", "names: []\ntrain: images\n", "must be a list of names"),
    yaml("names that are a text", "names: cat\ntrain: images\n", "must be a list of names"),
    yaml("a name that is a list", "names: [[cat]]\ntrain: images\n", "must be a list of names"),
    yaml("a name that YAML takes for true", "names: [yes, no]\ntrain: images\n", "into quotes"),
    yaml("a name that is null", "names: [cat, ~]\ntrain: images\n", "1 is None; put a name"),
    yaml("a name of blanks", "names: [cat, ' ']\ntrain: images\n", "1 is ' '"),
    yaml("a name twice", "names: [cat, cat]\ntrain: images\n", "1 = 'cat': is that of 0 too"),
    yaml(
        "a name twice but for how a letter is made up",
        "names: [ä, a\u0308]\ntrain: images\n",
        "1 = 'a\u0308': is that of 0 too but for how its letters",
    ),
    yaml("a name with a NUL", 'names: ["c\\0t"]\ntrain: x\n', "0 = 'c\\x00t': must be a text"),
    yaml(
        "numbers with a gap", "names: {0: cat, 2: dog}\ntrain: images\n", "has the numbers [0, 2]"
    ),
    yaml("another number of names", YAML + "nc: 3\n", "nc = 3: must be 2, as names has"),
    yaml("keypoints", YAML + "kpt_shape: [17, 3]\n", "keypoints are not read in YOLO's form"),
    yaml("train is a number", "names: [cat]\ntrain: 3\n", "train = 3: must be the name of"),
    yaml("train is an object", "names: [cat]\ntrain: {a: b}\n", "train = {'a': 'b'}: must be"),
    yaml("path is a list", YAML + "path: [a]\n", "path = ['a']: must be the name of a folder"),
    yaml(
        "train is nowhere", "names: [cat]\ntrain: none\n", "train = 'none': no such folder or list"
    ),
    yaml("train has a NUL", 'names: [cat]\ntrain: "a\\0b"\n', "train = 'a\\x00b': no such folder"),
    yaml("train has 300 letters", f"names: [cat]\ntrain: {'a' * 300}\n", "File name too long"),
    yaml("train has no image", "names: [cat]\ntrain: labels\n", "there is no image"),
    Case(
        "an image of a list that is not there",
        command(lambda: yolo("", YAML.replace("images", "l.txt")) | {"l.txt": "\nimages/9.png"}),
        ("l.txt: line 2: 'images/9.png': there is no such image",),
    ),
    Case(
        "a list of images that is not UTF-8",
        command(lambda: yolo("", YAML.replace("images", "l.txt")) | {"l.txt": b"\n\xe4.png"}),
        ("l.txt: line 2: cannot be read as UTF-8",),
    ),
    Case(
        "a text of objects without an image",
        command(lambda: yolo() | {"labels/9.txt": "0 0.5 0.5 0.4 0.4\n"}),
        ("d/labels/9.txt: there is no image of that name in", "images: add it, or remove"),
    ),
    Case(
        "a text of objects without an image of the test split",
        command(lambda: yolo("", TESTED) | tested("0 0.5 0.5 0.4 0.4\n")),
        ("labels/test/9.txt: there is no image of that name in",),
    ),
    Case(
        "a text of an image of a kind that is not read",
        command(lambda: yolo() | {"images/9.heic": b"x", "labels/9.txt": "0 0.5 0.5 0.4 0.4\n"}),
        ("labels/9.txt: there is no image", "that is read (.bmp,", "9.heic is not: save it as"),
    ),
    Case(
        "images of kinds that are not read alone",
        command(
            lambda: {
                "data.yaml": YAML,
                "images/1.heic": b"x",
                "labels/1.txt": "0 0.5 0.5 0.4 0.4\n",
            }
        ),
        ("1.heic is not: save it as",),
    ),
    Case(
        "two images of one text",
        command(lambda: yolo() | {"images/1.jpg": picture(9, "jpeg")}),
        ("images/1.png: has the same name as", "images/1.jpg but for the suffix", "rename or"),
    ),
    Case(
        "two texts of one image",
        command(lambda: yolo() | {"labels/1.TXT": "0 0.5 0.5 0.4 0.4\n"}),
        ("labels/1.txt: has the same name as", "1.TXT but for how it is written", "remove one"),
    ),
    Case(
        "an empty line in the list of classes",
        command(lambda: {**yolo(), "data.yaml": "", "classes.txt": "cat\n\ndog\n"}),
        ("classes.txt: line 2: is empty: must have the name of a class",),
    ),
]

CORNERS = ((2, 3), (10, 3), (6, 12))


def shape(
    label: Any = "cat", points: Any = ((2, 3), (10, 3), (6, 12)), **more: Any
) -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": "polygon"} | more


def labelme(bad: bytes | dict[str, Any]) -> Files:
    """Images with a cat each; what the first file has."""
    good = {"shapes": [shape()], "imageWidth": WIDTH, "imageHeight": HEIGHT}
    files: Files = {f"{k}.png": picture(k) for k in range(1, IMAGES + 1)}
    files |= {f"{k}.json": json.dumps(good) for k in range(1, IMAGES + 1)}
    return files | {"1.json": bad if isinstance(bad, bytes) else json.dumps(good | bad)}


def of_labelme(name: str, bad: bytes | dict[str, Any], *says: str) -> Case:
    return Case(name, command(lambda: labelme(bad)), ("d/1.json: ", *says))


def a_shape(name: str, said: str, /, **fields: Any) -> Case:
    """The second shape of the first file."""
    return of_labelme(name, {"shapes": [shape(), shape(**fields)]}, "shapes[1]: ", said)


NAN, INF = float("nan"), float("inf")

LABELME = [
    of_labelme("an empty file of LabelMe's", b"", "is empty: must be JSON"),
    of_labelme("a file of LabelMe's cut off", b'{"shapes": [\n{"label": ', "line 2: not JSON"),
    of_labelme("bytes that are not UTF-8", b'{"shapes": "\xe4"}', "line 1: not JSON"),
    of_labelme("shapes nested too deep", b'{"shapes": ' + b"[" * 10**5, "nested too deep"),
    of_labelme("shapes that are null", {"shapes": None}, "shapes: must be a list of objects"),
    of_labelme("a shape that is a number", {"shapes": [3]}, "shapes: must be a list of objects"),
    of_labelme("another width", {"imageWidth": 99}, "imageWidth, imageHeight = 99, 16"),
    of_labelme("a width of text", {"imageWidth": "24"}, "imageWidth, imageHeight = '24', 16"),
    of_labelme(
        "the path of another image",
        {"imagePath": "..\\pics\\2.PNG"},
        "imagePath = '..\\\\pics\\\\2.PNG': must name '1.png', the image of the file's name",
    ),
    a_shape("a label of null", "label = None: must be a text", label=None),
    a_shape("a label that is a list", "label = ['cat']: must be a text", label=["cat"]),
    a_shape("a point", "shape_type = 'point': must be one of", shape_type="point"),
    a_shape("a type that is a list", "shape_type = ['polygon']: must be", shape_type=["polygon"]),
    a_shape("points that are null", "a polygon has 3 or more, and this 0", points=None),
    a_shape("points that are a number", "points: must be pairs of numbers", points=5),
    a_shape("points of texts", "points: must be pairs of numbers", points=[["2", "3"]] * 3),
    a_shape("points of three numbers", "must be pairs of numbers", points=[[2, 3, 4]] * 3),
    a_shape("a point of NaN", "must be finite numbers", points=[[2, 3], [NAN, 3], [6, 12]]),
    a_shape("an infinite point", "must be finite numbers", points=[[2, 3], [INF, 3], [6, 12]]),
    a_shape("a point of 10^400", "must be finite numbers", points=[[2, 3], [10**400, 3], [6, 12]]),
    a_shape("a point far outside", "lie inside the image", points=[[2, 3], [900, 3], [6, 12]]),
    a_shape("two points", "a polygon has 3 or more, and this 2", points=[[2, 3], [10, 12]]),
    a_shape("three times one point", "must enclose a part of the image", points=[[2, 3]] * 3),
    a_shape("a polygon outside", "must enclose a part", points=[[30, 3], [40, 3], [35, 12]]),
    a_shape("no mask", "mask: must be there", shape_type="mask"),
    a_shape("a mask of no picture", "mask: cannot be read", shape_type="mask", mask="aGVsbG8="),
    a_shape("a mask that is a number", "mask: cannot be read", shape_type="mask", mask=5),
]

BREAK = "a\nb"  # in the name of a file
BROKEN = "a\ufffdb"
IN_IMAGES = f"images/{BREAK}.{{}}"
TEXT: Files = {f"labels/{BREAK}.txt": "0 1 1 1 1\n"}


def broken(name: str, files: Callable[[], Files], *says: str) -> Case:
    """What is said of a file with a break of lines in its name, on one line all the same."""
    return Case(f"a break of lines: {name}", command(files), (BROKEN, *says))


BREAKS = [
    broken("no XML", lambda: voc("x", f"{BREAK}.xml") | {f"{BREAK}.jpg": picture(9, "jpeg")}),
    broken("XML alone", lambda: voc("x", f"{BREAK}.xml"), "there is no image of that name"),
    broken("an image alone", lambda: voc("x") | {f"{BREAK}.jpg": b"x"}, "there is no XML"),
    broken("no image", lambda: yolo() | {f"images/{BREAK}.png": b"x"}, "cannot be read as an im"),
    broken(
        "a box",
        lambda: yolo() | {f"images/{BREAK}.png": picture(9), f"labels/{BREAK}.txt": "0 1\n"},
        ".txt: line 1: 1 numbers after the class",
    ),
    broken("a text alone", lambda: yolo() | TEXT, "no image of"),
    broken(
        "two images",
        lambda: yolo() | dict.fromkeys(map(IN_IMAGES.format, ("png", "bmp")), b"x") | TEXT,
        "has the same name as",
    ),
    broken("JSON alone", lambda: labelme({}) | {f"{BREAK}.json": '{"shapes": []}'}, "there is no"),
]

CASES = [*BREAKS, *VOC, *YOLO, *LABELME]
