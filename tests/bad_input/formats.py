"""VOC's XML: broken, or impossible; and what writes the files of a small data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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

CASES = [
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
