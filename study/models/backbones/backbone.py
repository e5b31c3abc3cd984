"""What is said of a backbone: one entry, in the file of its family, and no other table knows it.

Nothing here or beside it imports torch before a network is built: commands name and check
backbones first, and to import torch takes seconds.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from study.config import BodyConfig, ModelConfig
from study.config.body import IMAGENET_MEAN, IMAGENET_STD, Norm

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Pixels:
    """Subtracted from and divided by, per channel in the order RGB, of values from 0 to 255."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Packaged:
    """Weights that a Python package brings, so that nothing is downloaded."""

    package: str  # as it is imported
    extra: str  # of this project, which installs it
    file: str  # in the package's folder
    sha256: str
    rename: Callable[[str], str]  # a tensor's name in the network, by that in the file

    @property
    def path(self) -> Path | None:
        """Where the file is; None: the package is not installed."""
        spec = importlib.util.find_spec(self.package)
        if spec is None or spec.origin is None:
            return None
        path = Path(spec.origin).parent / self.file
        return path if path.is_file() else None


@dataclass(frozen=True, kw_only=True)
class Published:
    """ImageNet weights that others publish, under the network's names: the arm `imagenet`."""

    by: Literal["torchvision", "timm"]
    name: str  # what its publisher calls them
    packaged: Packaged | None = None  # the same network's weights on ImageNet, in a package
    norms: tuple[Norm, ...]  # of a network that they fit
    norm_groups: int | None = None  # of GroupNorm
    pixels: Pixels = Pixels(IMAGENET_MEAN, IMAGENET_STD)


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """Weights that come with the project: the arm `pretext`."""

    file: Path
    norm: Norm
    norm_groups: int

    def fit(self, body: BodyConfig) -> bool:
        return (self.norm, self.norm_groups) == (body.norm, body.norm_groups)


@dataclass(frozen=True, kw_only=True)
class SingleMap:
    """How RoIs are pooled from one map, without a pyramid."""

    output: str  # one of the backbone's
    box_head: Mapping[str, str]  # layers of its classifier that the box head begins with


@dataclass(frozen=True)
class Maps:
    """The feature maps that RoIs are pooled from, called "0", "1", … from the finest on."""

    strides: tuple[int, ...]  # px of the input
    channels: int  # of each
    coarser: bool  # a map "pool" of twice the last stride follows, for anchors alone

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(str(level) for level in range(len(self.strides)))

    @property
    def anchored(self) -> tuple[str, ...]:
        """The maps that anchors lie on."""
        return (*self.names, "pool") if self.coarser else self.names

    @property
    def anchored_strides(self) -> tuple[int, ...]:
        """Theirs, px of the input."""
        return (*self.strides, 2 * self.strides[-1]) if self.coarser else self.strides


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A network without its classifier."""

    body: BodyConfig
    """As `--model NAME` has it; the name is the backbone's."""
    build: Callable[[BodyConfig], nn.Module]
    """[B, 3, H, W] → its last map, with random weights from torch's global generator."""
    stages: tuple[tuple[str, ...], ...]
    """Its parts with weights, the stem's first: `frozen_stages` counts them."""
    outputs: tuple[str, ...]
    """Modules whose maps a pyramid takes, the finest first."""
    strides: tuple[int, ...]
    channels: tuple[int, ...]
    first: str = "conv1.weight"
    """The first convolution, which sees the pixels."""
    norms: tuple[Norm, ...] = ("group", "sync_batch", "frozen_batch", "none")
    """That it can be built with; "own" only where it is published with some."""
    stride_1x1: bool = False
    """Whether its bottlenecks can have their stride in the first convolution."""
    single: SingleMap | None = None
    """None: it needs a pyramid."""
    batch_statistics: bool = False
    """Whether the norm "own" is one of batch statistics."""
    read: Callable[[nn.Module, Tensor], Sequence[Tensor]] | None = None
    """The maps of `outputs`, from the network and [B, 3, H, W]. None: they are its children's, one
    child after another."""
    names: Callable[[], Collection[str]] | None = None
    """What tensors are called in published weights of the whole network, its classifier too; what
    of them the body lacks is left out. None: the body's names, and those of usual classifiers."""
    channels_last: bool = False
    """Whether CPUs compute it faster pixel by pixel, as depthwise convolutions are."""
    published: tuple[Published, ...] = ()
    shipped: Shipped | None = None
    detectron: Callable[[str], str | None] | None = None
    """A tensor's name by that of its blob in Detectron's files, whose own name comes back where it
    is not known, and None where it is no part of the network. None: there are no such files."""
    iteration_s: float | None = None
    """Published seconds per iteration of Mask R-CNN with FPN, see `study.recipes.cost`; None: none
    are known."""
    pretraining_px: int = 224
    """Side of the images that it is pre-trained on, unless another is given."""

    @property
    def name(self) -> str:
        return self.body.name

    def uses_batch_statistics(self, norm: Norm) -> bool:
        """Whether a network with that norm looks at several images at once in training."""
        return norm == "sync_batch" or (norm == "own" and self.batch_statistics)

    def maps(self, model: ModelConfig) -> Maps:
        """The maps that the model's heads see."""
        if model.pyramid or self.single is None:
            return Maps(self.strides, model.fpn_channels, coarser=True)
        at = self.outputs.index(self.single.output)
        return Maps((self.strides[at],), self.channels[at], coarser=False)
