"""The file that a name of an annotation file means, where it is not there as it stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from study.data.index.placing import is_foreign, placed


def there(folder: Path, *files: str) -> Path:
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def meant(folder: Path, *names: str) -> list[str]:
    return placed(np.array(names), folder).tolist()


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a/1.png", "a/1.png"),  # missing, though b has one of that name
        ("A/1.png", "A/1.png"),
        ("C:\\set\\a\\1.png", "C:\\set\\a\\1.png"),
        ("x/b/1.png", "b/1.png"),
        ("other/1.png", "b/1.png"),
        ("/home/me/set/1.png", "b/1.png"),
        ("c/1.png", "c/1.png"),  # whose folder is empty
        ("c/e/1.png", "b/1.png"),
        ("d/7.png", "c/d/7.PNG"),
    ],
)
def test_a_name_with_a_folder_that_is_there_means_no_file_of_another(
    name: str, file: str, tmp_path: Path
):
    folder = there(tmp_path, "a/2.png", "b/1.png", "c/d/7.PNG")
    assert meant(folder, "a/2.png", name) == ["a/2.png", file]


@pytest.mark.parametrize("number", [1, 2, 3, 9, 20])
@pytest.mark.parametrize("folder", ["", "sub/"])
def test_capitals_do_not_count_wherever_the_name_stands(number: int, folder: str, tmp_path: Path):
    names = [f"{folder}{at}.png" for at in range(number)]
    for at in range(number):
        files = [*names[:at], names[at].replace("png", "PNG"), *names[at + 1 :]]
        root = there(tmp_path / str(at), *files)
        assert meant(root, *names) == files


def test_names_that_differ_in_capitals_are_two_files(tmp_path: Path):
    names = ["1.png", "1.PNG", "2.png"]
    assert meant(there(tmp_path, *names), *names) == names
    assert meant(tmp_path, "1.png", "1.Png", "2.png") == ["1.png", "1.Png", "2.png"]  # not guessed


@pytest.mark.parametrize(
    ("name", "foreign"),
    [
        ("1:30.png", False),
        ("C:1.png", False),
        ("a/C:/1.png", False),
        ("C:/1.png", True),
        ("c:\\1.png", True),
        ("/1.png", True),
        ("a/../1.png", True),
        ("a..b/1.png", False),
    ],
)
def test_names_of_windows_and_those_that_lead_out(name: str, foreign: bool, tmp_path: Path):
    assert is_foreign(name) == foreign
    if not foreign:
        assert meant(there(tmp_path, name, "d/1.png", "30.png"), name) == [name]
