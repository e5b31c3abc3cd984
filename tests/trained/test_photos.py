"""Which photos a folder holds."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from study.data.pixels import Scale
from study.data.source import IMAGE_SUFFIXES
from study.trained.photos import WRITTEN, listed, require_no_others, upright
from tests.bad_input import data_sets as sets


def test_a_photo_that_is_there_twice_is_looked_at_as_what_can_be_read(tmp_path: Path):
    for name in ("a.cr2", "a.jpg", "b.heic"):
        (tmp_path / name).touch()
    assert listed([tmp_path], tmp_path / "out") == [tmp_path / "a.jpg", tmp_path / "b.heic"]


def test_a_photo_is_looked_at_once_however_its_place_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    monkeypatch.chdir(tmp_path)
    here = Path("photos")
    given = [here, tmp_path / here, here / ".." / here / "a.jpg"]
    assert listed(given, tmp_path / "out") == [here / "a.jpg"]


def test_hidden_files_and_what_was_found_before_are_no_photos(tmp_path: Path):
    for name in ("a.jpg", "b/c.png", ".d.jpg", ".e/f.jpg", "out/g.jpg", "before/h.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in WRITTEN:
        (tmp_path / "before" / name).touch()
    found = listed([tmp_path, tmp_path / "a.jpg"], tmp_path / "out")
    assert found == [tmp_path / "a.jpg", tmp_path / "b" / "c.png"]


def test_a_photo_that_is_turned_keeps_its_numbers(tmp_path: Path):
    """Pillow's own turning loses the tag that says that 32 bits have no sign."""
    values = np.zeros((4, 6), np.uint32)
    values[0, 0] = 2**32 - 1
    signed, entry = sets.content(values.view(np.int32), "TIFF"), struct.pack("<HHI", 339, 3, 1)
    (tmp_path / "wide.tif").write_bytes(signed.replace(entry + b"\2", entry + b"\1"))
    found = upright(tmp_path / "wide.tif", Scale("whole numbers", 0.0, 2.0**32 - 1))
    assert found.getpixel((0, 0)) == (255, 255, 255) and found.getpixel((1, 0)) == (0, 0, 0)


def test_a_photo_with_a_strange_tag_is_turned_all_the_same(tmp_path: Path):
    """Pillow writes the EXIF of what it turns anew, and cannot write every tag that it read."""
    tags = ((0x0101, 2, 4, b"abc\0"), (0x0112, 3, 1, struct.pack("<HH", 6, 0)))  # 6: by 90°
    entries = b"".join(struct.pack("<HHI", *tag[:3]) + tag[3] for tag in tags)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    Image.new("RGB", (8, 4)).save(tmp_path / "a.jpg", exif=exif)
    assert upright(tmp_path / "a.jpg").size == (4, 8)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_a_photo_is_turned_as_pillow_does(orientation: int, suffix: str, tmp_path: Path):
    picture = Image.fromarray(np.arange(96, dtype=np.uint8).reshape(4, 8, 3))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    picture.save(tmp_path / f"a{suffix}", exif=exif)
    with Image.open(tmp_path / f"a{suffix}") as opened:
        expected = ImageOps.exif_transpose(opened).convert("RGB")
    assert np.array_equal(np.array(upright(tmp_path / f"a{suffix}")), np.array(expected))


def test_pictures_that_were_not_drawn_are_not_written_over(tmp_path: Path):
    require_no_others(tmp_path / "new")
    require_no_others(tmp_path)
    for name in ("notes.txt", "b.jpg", "a.PNG"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"holds a\.PNG, which no earlier study\.predict has"):
        require_no_others(tmp_path)
    for name in WRITTEN:
        (tmp_path / name).touch()
    require_no_others(tmp_path)


def test_photos_in_folders_that_links_lead_to_are_looked_at(tmp_path: Path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "a.jpg").touch()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "more").symlink_to(tmp_path / "disk")
    (tmp_path / "photos" / "loop").symlink_to(tmp_path / "photos")
    found = listed([tmp_path / "photos"], tmp_path / "out")
    assert found == [tmp_path / "photos" / "more" / "a.jpg"]


def test_a_photo_of_any_ending_is_read_or_named(tmp_path: Path):
    there = Image.new("RGB", (8, 6), (200, 10, 10))
    there.save(tmp_path / "a.tif")
    for name, kind in (("b.jp2", "JPEG2000"), ("c.JFIF", "JPEG"), ("d.tga", "TGA"), ("e.j2k", "")):
        there.save(tmp_path / name, kind or None)
        assert Path(name).suffix.lower() in IMAGE_SUFFIXES or name == "d.tga"
    (tmp_path / "f.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    (tmp_path / "g.avif").write_bytes(b"\0\0\0\x18ftypavif" + bytes(40))
    there.save(tmp_path / "h.NEF", "TIFF")  # what such a file would be read as is its preview
    for name in ("i.txt", "j.pdf", "k.mov"):
        (tmp_path / name).write_text("no photo")
    photos = listed([tmp_path], tmp_path / "out")
    assert [file.name[0] for file in photos] == [*"abcdefgh"]
    assert {upright(file).size for file in photos[:5]} == {(8, 6)}
    for file, said in zip(photos[5:], ("HEIC", "a film or AVIF", "a camera's raw"), strict=True):
        with pytest.raises(ValueError, match=rf"{file.name}: .*{said}.* is not read; convert it"):
            upright(file)
