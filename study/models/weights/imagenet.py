"""Published ImageNet weights, by backbone and norm.

GroupNorm      timm's `resnet50_gn.a1h_in1k` (Apache-2.0), the only ones with torchvision's keys
BatchNorm      torchvision's, trained by its first recipe (IMAGENET1K_V1): the second one's many
               epochs and augmentations are not what "pre-trained" meant to the paper
no norm        torchvision's VGG-16, with its two fully-connected layers

Weights trained with BatchNorm do not fit a network with GroupNorm.
"""

from __future__ import annotations

from torch import Tensor
from torchvision.models import get_weight

from study.config import ModelConfig
from study.models.weights.checkpoints import backbone_of
from study.models.weights.pixels import Pixels

PIXELS = Pixels((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))

BATCH_NORM = {
    "resnet18": "ResNet18_Weights.IMAGENET1K_V1",
    "resnet50": "ResNet50_Weights.IMAGENET1K_V1",
    "resnet101": "ResNet101_Weights.IMAGENET1K_V1",
    "resnext101_32x8d": "ResNeXt101_32X8D_Weights.IMAGENET1K_V1",
}
NO_NORM = {"vgg16": "VGG16_Weights.IMAGENET1K_V1"}
GROUP_NORM = {"resnet50": "resnet50_gn.a1h_in1k"}
GROUPS = 32  # that they were trained with

WEIGHTS = {
    "group": ("GroupNorm", GROUP_NORM),
    "sync_batch": ("BatchNorm", BATCH_NORM),
    "frozen_batch": ("BatchNorm", BATCH_NORM),
    "none": ("no norm", NO_NORM),
}


def imagenet(model: ModelConfig) -> dict[str, Tensor]:
    """The backbone's tensors and its classifier's, by torchvision's names.

    Raises:
        ValueError: there are none for this backbone and norm, or they cannot be downloaded.
    """
    name = named(model)
    try:
        found = _timm(name) if model.body.norm == "group" else _torchvision(name)
    except OSError as error:  # of which URLError and the hub's errors are kinds
        raise ValueError(
            f"arm 'imagenet': {name} cannot be downloaded: {error}; give a weights file as the arm"
        ) from error
    first = "0.weight" if model.body.name == "vgg16" else "conv1.weight"
    return PIXELS.fitted(found, first, model)


def named(model: ModelConfig) -> str:
    """What its publisher calls the weights for this model; nothing is downloaded.

    Raises:
        ValueError: there are none for this backbone and norm.
    """
    kind, names = WEIGHTS[model.body.norm]
    if model.body.name not in names:
        raise ValueError(
            f"arm 'imagenet': there are no ImageNet weights with {kind} for {model.body.name!r},"
            f" only for {', '.join(names)} (model.body.norm = {model.body.norm!r}); give a weights"
            " file as the arm"
        )
    if model.body.stride_1x1:
        raise ValueError(
            "arm 'imagenet': these weights were trained with the stride in the 3 × 3 convolution;"
            " leave model.body.stride_1x1 off"
        )
    if model.body.norm == "group" and model.body.norm_groups != GROUPS:
        raise ValueError(
            f"model.body.norm_groups = {model.body.norm_groups}: the ImageNet weights with"
            f" GroupNorm were trained with {GROUPS}"
        )
    return names[model.body.name]


def _timm(name: str) -> dict[str, Tensor]:
    import timm  # here, because it is slow to import and only this arm needs it

    return timm.create_model(name, pretrained=True).state_dict()


def _torchvision(name: str) -> dict[str, Tensor]:
    return backbone_of(get_weight(name).get_state_dict(progress=False, check_hash=True), name)
