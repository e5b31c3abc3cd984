"""A configuration survives the journey as JSON, and says what is wrong with it."""

import dataclasses
import json

import pytest

from study.config import (
    R50_FPN,
    DataConfig,
    OptimConfig,
    RunConfig,
    digest,
    from_dict,
    to_dict,
)


def test_round_trip_through_json():
    config = RunConfig(model=R50_FPN, optim=OptimConfig(clip_norm=None), init="pretext")
    assert from_dict(RunConfig, json.loads(json.dumps(to_dict(config)))) == config


def test_every_mistake_is_named_at_once():
    values = to_dict(RunConfig())
    values["optim"]["momentun"] = 0.9
    values["schedule"]["lengths"] = [40]
    values["size"] = "many"
    with pytest.raises(ValueError) as error:
        from_dict(RunConfig, values)
    text = str(error.value)
    assert "momentun" in text
    assert "longer than the tail" in text
    assert "RunConfig.size" in text


def test_own_data_needs_its_four_paths():
    with pytest.raises(ValueError, match=r"--data\.val --data\.val-images"):
        DataConfig(name="custom", train="a.json", train_images="images")


def test_digest_ignores_the_order_of_keys_only():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_configurations_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RunConfig().size = 3  # type: ignore[misc]
