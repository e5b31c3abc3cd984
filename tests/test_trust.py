"""Nothing that is read is run: no call in the product could do it, but those listed with a reason.

What a file with a program in it does is tried in tests/bad_input/weights.py. Here the source
itself is read, so that a new way in is noticed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ("study", "analysis", "search_spaces")
RUNS = {
    *("eval", "exec", "compile", "__import__", "input"),
    *("os.system", "os.popen", "os.execv", "os.execvp", "os.spawnv", "pty.spawn"),
    *("marshal.loads", "marshal.load", "shelve.open", "joblib.load", "dill.load", "dill.loads"),
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "cloudpickle.load", "cloudpickle.loads"),
    *("pandas.read_pickle", "pd.read_pickle", "torch.hub.load", "torch.jit.load"),
    *("torch.hub.load_state_dict_from_url", "load_state_dict_from_url"),
    *("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load"),
    *("shutil.unpack_archive", "importlib.util.spec_from_file_location", "runpy.run_path"),
    *("ElementTree.XMLParser", "minidom.parse", "minidom.parseString"),
}
"""Calls that run, or may run, what they are given."""
METHODS = {"extractall", "extract", "exec_module", "get_state_dict"}
"""Of whatever object."""
ALLOWED = {
    (
        "study/commands/options/spaces.py",
        "importlib.util.spec_from_file_location",
    ): "a space file is code",
    ("study/commands/options/spaces.py", "compile"): "a space file is code",
    ("study/commands/options/spaces.py", "exec"): "a space file is code",
    (
        "study/cluster/scheduler.py",
        "cloudpickle.loads",
    ): "an exception that Ray itself"
    " wrote, in its own folder of this session, which never lies in a run directory",
    ("study/sweep.py", "os.execv"): "this Python, with words as they are: no shell",
}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a file, by what is called, with names as they are imported."""
    tree = ast.parse(path.read_text())
    known = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not node.level
        for alias in node.names
    }
    known |= {
        alias.asname: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.asname
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first, dot, rest = ast.unparse(node.func).partition(".")
            yield known.get(first, first) + dot + rest, node


def suspects(path: Path) -> Iterator[str]:
    """Calls that could run what is read."""
    for name, call in calls(path):
        given = {one.arg: ast.unparse(one.value) for one in call.keywords}
        if any(name == one or name.endswith(f".{one}") for one in RUNS if "." in one):
            yield _short(name)
        elif name in RUNS:
            yield name
        elif isinstance(call.func, ast.Attribute) and call.func.attr in METHODS:
            yield call.func.attr
        elif name.endswith("torch.load") and given.get("weights_only") != "True":
            yield "torch.load without weights_only"
        elif given.get("allow_pickle", "False") != "False":
            yield f"{name} with allow_pickle"
        elif given.get("shell", "False") != "False":
            yield f"{name} with shell"
        elif name.endswith("PIL.Image.open") and "formats" not in given:
            yield "Image.open of any format"  # some of Pillow's start programs
        elif given.get("weights_only", "True") != "True":
            yield f"{name} with weights_only = {given['weights_only']}"
        elif given.get("autoescape", "True") != "True" or (
            name.endswith("jinja2.Environment") and "autoescape" not in given
        ):
            yield f"{name} without autoescape"
        elif given.get("verify", "True") == "False" and "login" not in name:
            yield f"{name} without verifying certificates"


def _short(name: str) -> str:
    """As it is written in `RUNS`."""
    return next(
        one for one in sorted(RUNS) if "." in one and (name == one or name.endswith(f".{one}"))
    )


@pytest.mark.slow
def test_nothing_in_the_product_runs_what_it_reads():
    found = {
        (str(path.relative_to(ROOT)), name)
        for package in PRODUCT
        for path in (ROOT / package).rglob("*.py")
        for name in suspects(path)
    }
    assert found - set(ALLOWED) == set()
    assert set(ALLOWED) - found == set()  # a reason without a call is none


@pytest.mark.parametrize(
    "code",
    [
        "import torch\ntorch.load(f)",
        "import torch\ntorch.load(f, weights_only=False)",
        "import pickle\npickle.load(f)",
        "import pickle as p\np.loads(f)",
        "from pickle import loads\nloads(f)",
        "import ray.cloudpickle as pickle\npickle.loads(f)",
        "import numpy as np\nnp.load(f, allow_pickle=True)",
        "import pandas as pd\npd.read_pickle(f)",
        "import yaml\nyaml.load(f, Loader=yaml.Loader)",
        "import subprocess\nsubprocess.run(f, shell=True)",
        "import tarfile\ntarfile.open(f).extractall()",
        "from PIL import Image\nImage.open(f)",
        "eval(f)",
        "import os\nos.system(f)",
        "import jinja2\njinja2.Environment(loader=f)",
    ],
)
def test_such_a_call_would_be_noticed(code: str, tmp_path: Path):
    (tmp_path / "a.py").write_text(code)
    assert list(suspects(tmp_path / "a.py"))


def test_a_policy_of_the_served_page_allows_no_script_but_its_own():
    from analysis.serving.server import _HEADERS

    policy = _HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy
    assert "'unsafe-eval'" not in policy and "script-src 'unsafe-inline'" not in policy
