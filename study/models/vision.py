"""All that is used of torchvision, imported without torch's compiler, which doubles the time.

Nothing here compiles. torchvision imports the compiler for one question that its RoIAlign asks,
and only on a GPU that is told to be deterministic; torch's optimisers do for their own hooks
(`study.training.train_state.SGD`).
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

_ASKED = "torch._dynamo.utils"


@contextlib.contextmanager
def _compiler_left_out() -> Iterator[None]:
    """Inside, to import torchvision imports no compiler; it is imported when it is asked."""
    if _ASKED in sys.modules:
        yield
        return
    stand_in: Any = ModuleType(_ASKED)
    stand_in.is_compile_supported = _is_compile_supported
    sys.modules[_ASKED] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(_ASKED) is stand_in:
            del sys.modules[_ASKED]


def _is_compile_supported(device_type: str) -> bool:
    return importlib.import_module(_ASKED).is_compile_supported(device_type)


with _compiler_left_out():
    from torchvision.models import get_weight, resnet, vgg
    from torchvision.models._utils import IntermediateLayerGetter
    from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.faster_rcnn import (
        FastRCNNConvFCHead,
        FastRCNNPredictor,
        TwoMLPHead,
    )
    from torchvision.models.detection.keypoint_rcnn import KeypointRCNNPredictor
    from torchvision.models.detection.mask_rcnn import MaskRCNNHeads
    from torchvision.models.detection.roi_heads import (
        expand_boxes,
        expand_masks,
        heatmaps_to_keypoints,
        keypoints_to_heatmap,
    )
    from torchvision.models.detection.rpn import RPNHead
    from torchvision.ops import (
        FrozenBatchNorm2d,
        batched_nms,
        nms,
        remove_small_boxes,
        roi_align,
    )
    from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool

__all__ = [
    "AnchorGenerator",
    "FastRCNNConvFCHead",
    "FastRCNNPredictor",
    "FeaturePyramidNetwork",
    "FrozenBatchNorm2d",
    "IntermediateLayerGetter",
    "KeypointRCNNPredictor",
    "LastLevelMaxPool",
    "MaskRCNNHeads",
    "MaskRCNN_ResNet50_FPN_Weights",
    "RPNHead",
    "TwoMLPHead",
    "batched_nms",
    "expand_boxes",
    "expand_masks",
    "get_weight",
    "heatmaps_to_keypoints",
    "keypoints_to_heatmap",
    "nms",
    "remove_small_boxes",
    "resnet",
    "roi_align",
    "vgg",
]
