"""Whether tensors of a file are those of a network: names, shapes, types, values.

All of them or none: a network of which a part kept its random values would be judged as trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from study.config.printable import shown
from study.models.weights.files import FLOATS

FEW = 3  # of each kind that are named


def require(own: Mapping[str, Tensor], given: Mapping[str, Tensor], complaint: str) -> None:
    """Refuse tensors `given` for a network's `own`, unless all of them fit.

    Raises:
        ValueError: `complaint`, and what is wrong: counted, and the first of each kind named.
    """
    there = [key for key in own if key in given]
    wrong = [key for key in there if given[key].shape != own[key].shape]
    kinds = {
        "missing": [f"{key} {tuple(own[key].shape)}" for key in own if key not in given],
        "left over": [f"{shown(k)} {tuple(given[k].shape)}" for k in given if k not in own],
        "shape": [
            f"{key} is {tuple(given[key].shape)}, must be {tuple(own[key].shape)}" for key in wrong
        ],
        "type": [
            f"{key} is {_name(given[key])}, must be {', '.join(_name(own) for own in FLOATS)}"
            for key in there
            if given[key].dtype not in FLOATS
        ],
    }
    if any(kinds.values()):
        reason = _other_norm(own, given)
        remedy = "save them as float32" if kinds["type"] else "give weights of this network"
        raise ValueError(f"{complaint}{reason}: {_listed(kinds)}; {remedy}")
    values = {
        "not finite": [key for key in own if not _finite(given[key].to(own[key].dtype))],
        "negative": [
            key for key in own if key.endswith("running_var") and bool((given[key] < 0).any())
        ],
    }
    if any(values.values()):
        raise ValueError(
            f"{complaint}: values that nothing can be computed with: {_listed(values)}; they come"
            " of a training that diverged, or of a damaged file: give others"
        )


def _finite(value: Tensor) -> bool:
    return bool(torch.isfinite(value).all())


def _name(value: Tensor | torch.dtype) -> str:
    dtype = value.dtype if isinstance(value, Tensor) else value
    return str(dtype).removeprefix("torch.")


def _listed(kinds: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(
        f"{kind}: {', '.join(found[:FEW])}"
        + (f" and {len(found) - FEW} more" if len(found) > FEW else "")
        for kind, found in kinds.items()
        if found
    )


def _other_norm(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """The reason, where it is the norm."""
    here, there = (any(key.endswith("running_mean") for key in one) for one in (own, given))
    if there and not here:
        return (
            ": they were trained with BatchNorm, and the network has nowhere to put its statistics"
            " (model.body.norm must be sync_batch or frozen_batch, or own where the model has it)"
        )
    if here and not there:
        return (
            ": they were trained without BatchNorm, and the network's would lack its statistics"
            " (model.body.norm must be group, or none)"
        )
    return ""
