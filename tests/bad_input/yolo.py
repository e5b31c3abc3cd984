"""YOLO's texts and YAML: broken, or impossible."""

from __future__ import annotations

from tests.bad_input.case import Case
from tests.bad_input.formats import IMAGES, Files, command
from tests.data.small_files import picture

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

CASES = [
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
