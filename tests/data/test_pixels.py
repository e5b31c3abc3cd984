"""Each kind of pixels is read as it is said to be, or refused by name."""

from __future__ import annotations

import io
import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from study.config import DataConfig
from study.data.batches.decoded import decode, read_rgb
from study.data.classification.folders import ImageFolder
from study.data.orientation import hidden, lies, stored_px
from study.data.pixels import FLOAT, WHOLE, Scale, Unusable, opened, rgb
from study.data.scaling import scale_of
from study.data.splits import open_splits
from tests.bad_input import data_sets as sets

SCALE = Scale(WHOLE, 0.0, 4000.0)
NARROW = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV")
KINDS = {
    "16-bit PNG": ("PNG", np.uint16),
    "16-bit TIFF": ("TIFF", np.uint16),
    "32-bit TIFF": ("TIFF", np.int32),
    "float TIFF": ("TIFF", np.float32),
    "16-bit JPEG 2000": ("JPEG2000", np.uint16),
}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))


def config(folder: Path) -> DataConfig:
    return DataConfig(name="custom", folder=str(folder / "data"), tune_size=2)


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("mode", NARROW)
def test_8_bits_are_what_pillow_makes_of_them(mode: str):
    image = Image.fromarray(sets.scene(1)).convert("RGB")
    image = image.convert({"LAB": "RGB", "HSV": "RGB", "PA": "P"}.get(mode, mode))
    if mode == "LAB":
        image = Image.new("LAB", (24, 24), (120, 3, 200))
    assert rgb(image, None).tobytes() == image.convert("RGB").tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_wide_pixels_keep_their_order(kind: str, tmp_path: Path):
    encoding, dtype = KINDS[kind]
    values = np.linspace(0, 4000, 24 * 24).reshape(24, 24).astype(dtype)
    file = put(tmp_path / "a", sets.content(values, encoding))
    scale = scale_of({"train": [file]})
    assert scale == Scale(FLOAT if dtype == np.float32 else WHOLE, 0.0, 4000.0)
    seen = read_rgb(file, (24, 24), scale=scale)
    assert np.array_equal(seen, np.repeat(np.rint(values / 4000 * 255)[..., None], 3, axis=2))


def test_32_bits_without_a_sign_are_not_read_with_one(tmp_path: Path):
    file = tmp_path / "a.tif"
    values = np.arange(576, dtype=np.uint32).reshape(24, 24) + np.uint32(2**31 - 300)
    signed = sets.content(values.view(np.int32), "TIFF")
    entry = struct.pack("<HHI", 339, 3, 1)  # how samples are meant: 2 is with a sign, 1 without
    assert entry + b"\2" in signed
    put(file, signed.replace(entry + b"\2", entry + b"\1"))
    scale = scale_of({"train": [file]})
    assert scale == Scale(WHOLE, 2**31 - 300, 2**31 + 275)


def test_a_hot_pixel_in_10_000_does_not_make_all_others_dark(tmp_path: Path):
    values = np.tile(np.arange(200, dtype=np.uint16), (200, 1))
    values[3, 3:7] = 65_535
    assert scale_of({"train": [put(tmp_path / "a", sets.content(values))]}) == Scale(WHOLE, 0, 199)


@given(levels=st.lists(st.integers(0, 65_535), min_size=1, max_size=4, unique=True))
@settings(max_examples=15, deadline=None)
def test_no_training_image_is_clipped_and_the_order_of_files_makes_no_difference(
    levels: list[int], tmp_path_factory: pytest.TempPathFactory
):
    folder = tmp_path_factory.mktemp("x")
    files = [
        put(folder / str(level), sets.content(np.array([[level, level // 2]], np.uint16)))
        for level in levels
    ]
    if max(levels) == min(level // 2 for level in levels):
        return  # there is nothing to see
    scale = scale_of({"train": files})
    assert scale == scale_of({"train": files[::-1]})
    assert scale == Scale(WHOLE, min(level // 2 for level in levels), max(levels))


def test_one_rule_for_all_found_from_those_to_train_on_and_recorded(tmp_path: Path):
    def encode(seed: int) -> bytes:
        values = sets.wide(seed)
        values[0, :2] = (65_000, 0) if seed > 100 else (4000, 0)  # val is brighter
        return sets.content(values)

    sets.write(tmp_path, encode)
    splits = open_splits(config(tmp_path))
    assert splits.train.scale == splits.val.scale == splits.tune.scale == SCALE
    assert splits.digests()["pixels"] == "whole numbers, 0.0 black to 4000.0 white"
    assert "0 and less is shown black, 4000 and more white" in (splits.note_scale or "")
    images = decode(splits.val, splits.val_ids, None)
    assert images[0][0, 0].tolist() == [255] * 3 and images[0][0, 1].tolist() == [0] * 3
    again = replace(config(tmp_path), digests=splits.digests())
    assert open_splits(again).train.scale == SCALE
    other = splits.digests() | {"pixels": "whole numbers, 0.0 black to 255.0 white"}
    with pytest.raises(ValueError, match=r"pixels = 'whole numbers, 0\.0 black to 255"):
        open_splits(replace(config(tmp_path), digests=other))
    wider = replace(config(tmp_path), train_on="all")
    assert open_splits(wider).train.scale == SCALE  # as it was tuned with


def test_8_bits_have_no_rule_and_the_digests_that_they_had(tmp_path: Path):
    sets.write(tmp_path)
    splits = open_splits(config(tmp_path))
    assert splits.train.scale is None and "pixels" not in splits.digests()
    assert splits.note_scale is None


def test_16_bit_colour_is_read_by_its_upper_8_bits(tmp_path: Path):
    pixels = sets.scene(3)
    file = put(tmp_path / "a.png", sets.colour_16(pixels.astype(np.uint16) * 256 + 77))
    assert scale_of({"train": [file]}) is None
    assert np.array_equal(read_rgb(file, (24, 24)), pixels)


def test_another_kind_of_pixels_is_refused(tmp_path: Path):
    wide = put(tmp_path / "a.png", sets.content(sets.wide(1)))
    narrow = put(tmp_path / "b.png", sets.content(sets.scene(1)))
    with pytest.raises(Unusable, match=r"a\.png: has pixels of whole numbers \(16 bits\)"):
        read_rgb(wide, (24, 24))
    with pytest.raises(Unusable, match=r"b\.png: has pixels of 8 bits, and the others of w"):
        read_rgb(narrow, (24, 24), scale=SCALE)


def test_a_preview_behind_a_picture_is_no_page(tmp_path: Path):
    first, second = (Image.fromarray(sets.scene(at)) for at in (1, 2))
    phone = io.BytesIO()
    first.save(phone, "MPO", save_all=True, append_images=[second])
    with opened(put(tmp_path / "a.jpg", phone.getvalue())) as image:
        assert image.size == first.size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_seen_as_a_png_of_the_same_orientation(orientation: int, tmp_path: Path):
    """Pillow turns a TIFF by itself, and of a 16-bit one as well."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    for pixels in (sets.scene(1)[:16], sets.scene(1)[:16, :, 0], sets.wide(1)[:16]):
        files = [
            put(tmp_path / "a.png", sets.content(pixels, "PNG", exif=exif)),
            put(tmp_path / "a.tif", sets.content(pixels, "TIFF", tiffinfo={0x0112: orientation})),
        ]
        scale = SCALE if pixels.dtype == np.uint16 else None
        for size in ((24, 16), (16, 24)):
            for upright in (False, True):
                one, other = (read_rgb(file, size, size, upright, scale) for file in files)
                assert np.array_equal(one, other)
        for file in files:
            with opened(file) as image:
                asked = stored_px(image), lies(image), hidden(image)
            side = orientation if orientation in (2, 3, 4) else None
            assert asked == ((24, 16), orientation > 4, side)


def test_a_large_image_is_scaled_as_a_small_one(tmp_path: Path):
    """In strips, and by a table of all values of 16 bits."""
    values = np.arange(3 * 2**20).reshape(3 * 2**10, 2**10)
    for dtype in (np.uint16, np.float32, np.int32):
        own = (values % 2**16).astype(dtype)
        share = ((own.astype(np.float64) - 300) / 5000).clip(0, 1)
        kind: Any = FLOAT if dtype == np.float32 else WHOLE
        found = np.asarray(Scale(kind, 300, 5300).eight_bits(Image.fromarray(own)))
        assert np.array_equal(found, np.rint(255 * share).astype(np.uint8))


def test_a_file_is_never_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(Unusable, match="is no ordinary file"), opened(tmp_path / "a.png"):
        pass


@given(
    noise=st.binary(max_size=200),
    kind=st.sampled_from(["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP"]),
)
@settings(max_examples=60, deadline=None)
def test_whatever_bytes_give_an_image_or_a_refusal_that_names_the_file(
    noise: bytes, kind: str, tmp_path_factory: pytest.TempPathFactory
):
    good = bytearray(sets.content(sets.scene(1), kind))
    at = sum(noise) % len(good)
    good[at : at + len(noise)] = noise
    file = put(tmp_path_factory.mktemp("x") / "a", bytes(good))
    try:
        seen = read_rgb(file, (24, 24))
    except Unusable as error:
        assert str(error).startswith(f"{file}: ")
    else:
        assert seen.shape == (24, 24, 3)


def test_pre_training_scales_by_its_own_training_images(tmp_path: Path):
    for label in "ab":
        (tmp_path / "x" / label).mkdir(parents=True)
        for at in range(4):
            values = sets.wide(at + 10 * (label == "b"))
            values[0, :2] = 4000, 0
            put(tmp_path / "x" / label / f"{at}.png", sets.content(values))
    folder = ImageFolder.open(tmp_path / "x")
    assert folder.train.scale == folder.held_out.scale == SCALE


def test_no_more_than_a_pixel_in_10_000_is_left_out(tmp_path: Path):
    values = np.full((200, 200), 100, np.uint16)  # 40,000 of them
    values[0, :5], values[1, :5] = 4000, 0
    assert scale_of({"train": [put(tmp_path / "a", sets.content(values))]}) == Scale(
        WHOLE, 0, 4000
    )
    values[0, 0] = 100  # four are left
    assert scale_of({"train": [put(tmp_path / "b", sets.content(values))]}) == Scale(WHOLE, 0, 100)


def test_stored_images_are_those_of_their_own_rule(tmp_path: Path):
    """Another study of the same files, with other training images, has another."""
    sets.write(tmp_path, lambda seed: sets.content(sets.wide(seed)))
    splits = open_splits(config(tmp_path))
    assert splits.train.scale is not None
    darker = replace(splits.val, scale=Scale(WHOLE, 0.0, 2 * splits.train.scale.high))
    seen, dark = (int(decode(own, splits.val_ids, None)[0].max()) for own in (splits.val, darker))
    assert seen > 200 and dark < 130
