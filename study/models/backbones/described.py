"""What timm says of one of its models, checked by building it without memory.

Strides, channels, pixels and parts come from timm's own description. Whether the network takes
images of any size, and gives the maps that it promises, is seen on the device "meta".
"""

from __future__ import annotations

import difflib
import functools
import itertools
from dataclasses import dataclass
from typing import Any

from study.config.printable import brief
from study.models.backbones.backbone import Pixels

PREFIX = "timm/"
STRIDES = (4, 8, 16, 32)  # px, of the maps that a pyramid stands on
TRIED_PX = (128, 192)  # no square, and other sides than models are trained on
SUITABLE = ("resnet18", "resnet50_gn", "convnext_atto", "mobilenetv3_small_100")


@dataclass(frozen=True, kw_only=True)
class Description:
    """A model of timm as a backbone."""

    architecture: str
    tag: str  # of its weights; "": none are published
    levels: tuple[int, ...]  # in timm's own list of its maps
    outputs: tuple[str, ...]
    channels: tuple[int, ...]
    stages: tuple[tuple[str, ...], ...]
    first: str
    pixels: Pixels
    batch_statistics: bool
    depthwise: bool  # some of its convolutions are
    whole: frozenset[str]  # tensors of the whole network, its classifier too

    @property
    def name(self) -> str:
        return f"{self.architecture}.{self.tag}" if self.tag else self.architecture


def architecture(name: str) -> str:
    """Of `timm/NAME.TAG` or `NAME.TAG`."""
    return name.removeprefix(PREFIX).partition(".")[0]


@functools.cache
def describe(name: str) -> Description:
    """The model `NAME`, with its usual weights, or `NAME.TAG`.

    Raises:
        ValueError: timm has no such model or weights, or no pyramid can stand on it; says what
            can be given instead.
    """
    import timm  # here, because it imports torch
    import torch

    known, field = architecture(name), f"model = {brief(PREFIX + name)}"
    _require_known(name, field)
    try:
        with torch.device("meta"):
            whole: Any = timm.create_model(known)
            network, info = assembled(known)
    except (AttributeError, AssertionError, RuntimeError, TypeError) as error:
        raise _unsuitable(field, f"timm cannot give its maps ({_line(error)})") from error
    cfg = whole.pretrained_cfg
    if name != known:
        cfg = timm.models.get_pretrained_cfg(name).to_dict()  # type: ignore[union-attr]
    if cfg["fixed_input_size"]:
        side = cfg["input_size"][-1]
        raise _unsuitable(field, f"it takes images of {side} × {side} px only")
    levels = _levels(network, info, field)
    first = cfg["first_conv"]
    return Description(
        architecture=known,
        tag=tag if (tag := cfg.get("tag")) in tags(known) else "",
        levels=levels,
        outputs=tuple(info[level]["module"] for level in levels),
        channels=tuple(info[level]["num_chs"] for level in levels),
        stages=_stages(network, info, levels),
        first=f"{first if isinstance(first, str) else first[0]}.weight",
        pixels=Pixels(_bytes(cfg["mean"]), _bytes(cfg["std"])),
        batch_statistics=any(isinstance(one, torch.nn.BatchNorm2d) for one in network.modules()),
        depthwise=any(
            isinstance(one, torch.nn.Conv2d) and 1 < one.groups == one.in_channels
            for one in network.modules()
        ),
        whole=frozenset(whole.state_dict()),
    )


def assembled(known: str) -> tuple[Any, list[dict[str, Any]]]:
    """The network of that architecture without its classifier, from torch's global generator, and
    what timm says of each of its maps.

    Nothing is dropped at random in it: that would have to follow from each image's seed.
    """
    import timm
    from timm.layers.drop import DropPath
    from torch.nn.modules.dropout import _DropoutNd

    getter: Any = timm.create_model(known, features_only=True, feature_cls="getter")
    for module in getter.modules():
        if isinstance(module, _DropoutNd):
            module.p = 0.0
        elif isinstance(module, DropPath):
            module.drop_prob = 0.0
    return getter.model, getter.feature_info.info


def _require_known(name: str, field: str) -> None:
    import timm

    known, _, tag = name.partition(".")
    if not timm.is_model(known):
        near = difflib.get_close_matches(known, timm.list_models(), 4, 0.5)
        meant = f"; did you mean {_listed(near)}?" if near else ""
        raise ValueError(f"{field}: timm {timm.__version__} has no such model{meant}")
    there = tags(known)
    if tag and tag not in there:
        what = f"there are {_listed([f'{known}.{own}' for own in there])}" if there else "none are"
        raise ValueError(f"{field}: timm has no such weights; {what}")


def tags(known: str) -> list[str]:
    """Of the published weights of an architecture."""
    import timm

    parts = [own.partition(".") for own in timm.list_pretrained(f"{known}.*")]
    return [tag for own, _, tag in parts if own == known]


def _levels(network: Any, info: list[dict[str, Any]], field: str) -> tuple[int, ...]:
    """Of the maps that a pyramid stands on.

    Raises:
        ValueError: the network does not have them, or not for images of any size.
    """
    import torch

    by_stride = {own["reduction"]: level for level, own in enumerate(info)}
    if not by_stride.keys() >= set(STRIDES):
        strides = ", ".join(map(str, sorted(by_stride)))
        wanted = ", ".join(map(str, STRIDES))
        raise _unsuitable(field, f"its maps have strides of {strides} px, not {wanted}")
    levels = tuple(by_stride[stride] for stride in STRIDES)
    expected = [
        (1, info[level]["num_chs"], *(side // stride for side in TRIED_PX))
        for level, stride in zip(levels, STRIDES, strict=True)
    ]
    try:
        with torch.no_grad(), torch.device("meta"):
            maps = read(network.eval(), torch.zeros(1, 3, *TRIED_PX), levels)
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        reason = f"it does not take images of any size ({_line(error)})"
        raise _unsuitable(field, reason) from error
    if (found := [tuple(own.shape) for own in maps]) != expected:
        raise _unsuitable(field, f"its maps are {found}, and timm's description says {expected}")
    return levels


def read(network: Any, x: Any, levels: tuple[int, ...]) -> Any:
    """Its maps [B, C, h, w] of those levels, from [B, 3, H, W]."""
    return network.forward_intermediates(x, indices=list(levels), intermediates_only=True)


def _stages(
    network: Any, info: list[dict[str, Any]], levels: tuple[int, ...]
) -> tuple[tuple[str, ...], ...]:
    """The stem and the four stages: parts in the order of the network, each up to a map's; none
    where a map is no part's.
    """
    from torch import nn

    parts = [
        f"{name}.{own}" if own else name
        for name, child in network.named_children()
        for own in (dict(child.named_children()) if isinstance(child, nn.Sequential) else [""])
    ]
    found = [_last(parts, info[level]["module"]) for level in levels]
    ends = [at for at in found if at is not None]
    if len(ends) < len(found):
        return ()
    before = [own for own in info if own["reduction"] < STRIDES[0]]
    stem = _last(parts, before[-1]["module"]) if before else None
    stem = ends[0] - 1 if stem is None else stem
    bounds = [0, *(at + 1 for at in (stem, *ends))]
    return tuple(tuple(parts[a:b]) for a, b in itertools.pairwise(bounds))


def _last(parts: list[str], module: str) -> int | None:
    """The place of the last part that a module is, lies in, or holds."""
    places = (
        at
        for at, part in enumerate(parts)
        if f"{module}.".startswith(f"{part}.") or part.startswith(f"{module}.")
    )
    return max(places, default=None)


def _bytes(values: tuple[float, ...]) -> tuple[float, float, float]:
    """Of pixels from 0 to 255, by those from 0 to 1."""
    red, green, blue = (round(255 * own, 4) for own in values)
    return red, green, blue


def _unsuitable(field: str, reason: str) -> ValueError:
    return ValueError(
        f"{field}: no feature pyramid can stand on it: {reason}; models that can have one are, for"
        f" example, {_listed(SUITABLE)}"
    )


def _listed(names: Any) -> str:
    return ", ".join(PREFIX + name for name in names)


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:120]
