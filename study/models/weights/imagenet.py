"""Published ImageNet weights, downloaded from where the backbone's entry says.

Weights trained with BatchNorm do not fit a network with GroupNorm.
"""

from __future__ import annotations

from torch import Tensor
from torchvision.models import get_weight

from study.config import BodyConfig
from study.models.weights import available
from study.models.weights.checkpoints import backbone_of
from study.models.weights.pixels import fitted


def imagenet(body: BodyConfig) -> dict[str, Tensor]:
    """The backbone's tensors and its classifier's, by torchvision's names.

    Raises:
        ValueError: there are none for this backbone and norm, or they cannot be downloaded.
    """
    published = available.published(body)
    read = {"torchvision": _torchvision, "timm": _timm}[published.by]
    try:
        found = read(published.name)
    except OSError as error:  # of which URLError and the hub's errors are kinds
        raise ValueError(
            f"arm 'imagenet': {published.name} cannot be downloaded: {error}; give a weights file"
            " as the arm"
        ) from error
    return fitted(found, published.pixels, body)


def _timm(name: str) -> dict[str, Tensor]:
    import timm  # here, because it is slow to import and only this arm needs it

    return timm.create_model(name, pretrained=True).state_dict()


def _torchvision(name: str) -> dict[str, Tensor]:
    return backbone_of(get_weight(name).get_state_dict(progress=False, check_hash=True), name)
