"""What a file `shapes.json` asks for, of images that are drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.bad_input.case import Case


def asked(said: str, *rule: str, **fields: Any) -> Case:
    """`study.prepare` of images of these fields, in which there is something wrong."""

    def command(folder: Path) -> list[str]:
        (folder / "shapes.json").write_text(json.dumps(fields))
        return ["study.prepare", "shapes.json"]

    return Case(f"shapes.json of {fields}"[:120], command, ("shapes.json: ", said, *rule))


SIDE, PAIR = "a whole number from 16 to 4,096 px", "a lowest and a highest number"
CASES = [
    asked("height = 1: ", SIDE, height=1, width=1),
    asked("width = 0: ", SIDE, width=0),
    asked("height = -5: ", SIDE, height=-5),
    asked("height = 100000: ", SIDE, height=100000, width=100000),
    asked("height = inf: ", SIDE, height=float("inf")),
    asked("height = '64': ", SIDE, height="64"),
    asked("height = 64.5: ", SIDE, height=64.5),
    asked("width = True: ", SIDE, width=True),
    asked("height = None: ", SIDE, height=None),
    asked("aspect = (1, 1000000000.0): ", PAIR, "from 1 to 16", aspect=[1, 1e9]),
    asked(
        "aspect = (1, 16): ", "16,384 px, and", "4,096", aspect=[1, 16], height=1024, width=1024
    ),
    asked("aspect = (2, 1): ", PAIR, aspect=[2, 1]),
    asked("aspect = (0.5, 2): ", PAIR, aspect=[0.5, 2]),
    asked("aspect = (1,): ", PAIR, aspect=[1]),
    asked("aspect = 2: ", PAIR, aspect=2),
    asked("aspect = ('1', 2): ", PAIR, aspect=["1", 2]),
    asked("aspect = (1, nan): ", PAIR, aspect=[1, float("nan")]),
    asked("radius = (0, 0): ", PAIR, "from 6 to 48 px of 96", radius=[0, 0]),
    asked("radius = (9, 1): ", PAIR, radius=[9, 1]),
    asked("radius = (20, 10): ", PAIR, radius=[20, 10]),
    asked("radius = (1000, 2000): ", PAIR, radius=[1000, 2000]),
    asked("radius = None: ", PAIR, radius=None),
    asked("max_objects = 0: ", "from 1 to 100", max_objects=0),
    asked("max_objects = -1: ", "from 1 to 100", max_objects=-1),
    asked("max_objects = 10000000: ", "from 1 to 100", max_objects=10**7),
    asked("classes = 0: ", "from 1 to 144", classes=0),
    asked("classes = 1000000000: ", "from 1 to 144", classes=10**9),
    asked("noise = 1e+308: ", "from 0 to 1", noise=1e308),
    asked("noise = 'a': ", "from 0 to 1", noise="a"),
    asked("contrast = nan: ", "from 0 to 1", contrast=float("nan")),
    asked("'objects': no such field; one of height, width", "counts", objects=[1, 5]),
    asked("counts = [1]: ", "train and val, 1 to 1,000,000 images each", counts=[1]),
    asked("counts = {'train': True, 'val': 1}: ", counts={"train": True, "val": 1}),
    asked("counts = {'train': '8', 'val': 200}: ", counts={"train": "8"}),
    asked("counts = {'train': 1280, 'val': 200, 'test': 3}: ", counts={"test": 3}),
]
