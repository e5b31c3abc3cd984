"""Listings find what `Path.glob` does, and refuse what that leaves out in silence."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from study.storage.listing import OF_THE_SYSTEM, folders_in, matching, walked
from study.storage.run_dir import StudyDir
from study.storage.store import StoreError
from tests.powerless import powerless

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a/x.json", "a/.y.json", "a/deep/z.json", "b/x.txt", ".c/x.json", "x.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "a" / "broken.json").symlink_to("nowhere")
    return tmp_path


@pytest.mark.parametrize(
    "pattern", ["*.json", "*/*.json", "a/x.*", "**/*", "*", "a/no", "x.json/*"]
)
def test_it_matches_what_glob_does(tree: Path, pattern: str):
    assert matching(tree, pattern) == sorted(tree.glob(pattern))
    assert matching(tree / "absent", pattern) == []


def test_folders_are_those_of_people(tree: Path):
    (tree / OF_THE_SYSTEM).mkdir(mode=0)
    assert [path.name for path in folders_in(tree)] == ["a", "b", "link"]
    assert OF_THE_SYSTEM not in {path.name for path in matching(tree, "**/*")}
    assert OF_THE_SYSTEM not in {folder.name for folder, _, _ in walked(tree)}
    assert {str(folder.relative_to(tree)) for folder, _, _ in walked(tree)} == {
        *(".", "a", "a/deep", "b", ".c")
    }


def test_links_to_folders_are_followed_where_that_is_asked_each_folder_once(tmp_path: Path):
    for name in ("photos/a/b", "elsewhere/c", ".out/d"):
        (tmp_path / name).mkdir(parents=True)
    photos = tmp_path / "photos"
    for name, to in (
        *(("linked", "elsewhere"), ("again", "elsewhere"), ("above", "."), ("b", "photos/a/b")),
        ("a/self", "photos"),
    ):
        (photos / name).symlink_to(tmp_path / to)
    (tmp_path / "elsewhere" / "back").symlink_to(photos / "a")
    found = [str(folder.relative_to(photos)) for folder, _, _ in walked(photos, True)]
    assert found == [".", "a", "a/b", "again", "again/c"]
    assert [folder for folder, _, _ in walked(photos)] == [photos, photos / "a", photos / "a/b"]


@pytest.mark.parametrize("pattern", ["*/*.json", "**/*", "a/*"])
def test_a_folder_that_may_not_be_read_is_not_an_empty_one(tree: Path, pattern: str):
    with powerless(tree, [("a", 0)]), pytest.raises(PermissionError) as refusal:
        matching(tree, pattern)
    assert Path(refusal.value.filename).name in ("a", "link")


def test_a_study_is_not_read_without_some_of_its_trials(tmp_path: Path):
    study = StudyDir(tmp_path)
    for name in ("one", "two"):
        study.trial(name).write_config({"run": {}})
    assert [trial.id for trial in study.trials()] == ["one", "two"]
    with (
        powerless(tmp_path, [("trials/two", 0)]),
        pytest.raises(StoreError, match=r"trials/two: cannot be read: permission denied"),
    ):
        study.trials()


def test_trials_on_what_is_not_mounted_are_not_none(tmp_path: Path):
    (tmp_path / "trials").symlink_to(tmp_path / "disk")
    with pytest.raises(StoreError, match="trials: cannot be read: the storage is gone"):
        StudyDir(tmp_path).trials()


def test_a_copy_of_a_trial_is_not_one_more(tmp_path: Path):
    study = StudyDir(tmp_path)
    study.trial("one").write_config({"run": {"trial_id": "one"}})
    shutil.copytree(tmp_path / "trials" / "one", tmp_path / "trials" / "one copy")
    first, copy = study.trials()
    assert first.config()["run"]["trial_id"] == "one"
    with pytest.raises(ValueError, match=r"one copy/config.json: is of trial 'one': .*renamed"):
        copy.config()


def test_folders_of_users_are_listed_by_one_module():
    listing = re.compile(r"\.r?glob\(|os\.(walk|listdir|scandir)\(")
    of_users = ("study/data/formats", "study/data/classification", "study/data/index")
    of_users = (*of_users, "study/trained", "study/storage", "study/models", "study/commands")
    found = {
        str(path.relative_to(ROOT))
        for folder in of_users
        for path in (ROOT / folder).rglob("*.py")
        if listing.search(path.read_text())
    }
    assert found == {"study/storage/listing.py"}
