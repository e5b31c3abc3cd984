"""Copies of downloads are compared again before they are read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import safetensors.torch

from study.models import backbones
from study.models.initialisation import read_weights
from study.models.weights import imagenet
from tests.models.test_timm_models import published as network_of


def test_a_copy_of_timms_that_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The hub's cache calls a file by its SHA-256, and links to it."""
    content = safetensors.torch.save(network_of("mobilenetv3_small_050").state_dict())
    blob = tmp_path / hashlib.sha256(content).hexdigest()
    blob.write_bytes(content)
    (tmp_path / "model.safetensors").symlink_to(blob)
    monkeypatch.setattr(imagenet, "_in_cache", lambda _: str(tmp_path / "model.safetensors"))
    body = backbones.find("timm/mobilenetv3_small_050").body
    assert read_weights("imagenet", body)
    blob.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # a bit of a number
    with pytest.raises(ValueError, match=r"the copy .* is damaged; remove"):
        read_weights("imagenet", body)
