"""Detectron's choices where torchvision's differ: `ModelConfig.fidelity`.

The paper's numbers were made with Detectron, "all unspecified settings" of it. Here is what it
takes for the heads' losses and initial weights; mask targets are in
`study.models.heads.masks`, the anchors that the RPN learns from in `study.models.rpn`.
Not taken over: anchors centred on the middle of a cell, boxes whose sides count one pixel more,
biases that learn at twice the rate, and proposals on crowd regions that train nothing.

Initial weights are Caffe2's fillers. MSRAFill is `kaiming_normal_` over the fan-out, XavierFill is
`kaiming_uniform_` with a = 1 (uniform within sqrt(3 / fan-in)). Where torchvision draws alike
nothing is done: FPN (XavierFill), RPN (normal, 0.01), the convolutions of the box, mask and
keypoint heads, the mask logits and the keypoints' deconvolution (MSRAFill).
"""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

BOX_BETA = {"torchvision": 1 / 9, "detectron": 1.0}
"""Where smooth L1 becomes linear in the box head; Detectron's SmoothL1Loss is called without a
beta there (`fast_rcnn_heads.py`) and with 1/9 in the RPN (`rpn_heads.py`)."""

xavier = partial(nn.init.kaiming_uniform_, a=1)


def fill_box_head(head: nn.Module, predictor: nn.Module) -> None:
    """XavierFill for fully connected layers, normal with 0.01 for scores and 0.001 for deltas.

    Detectron's `fast_rcnn_heads.py`; XavierFill is what its FC has by default.
    """
    for layer in head.modules():
        if isinstance(layer, nn.Linear):
            xavier(layer.weight)
            nn.init.zeros_(layer.bias)
    for layer, std in ((predictor.cls_score, 0.01), (predictor.bbox_pred, 0.001)):
        assert isinstance(layer, nn.Linear)
        nn.init.normal_(layer.weight, std=std)
        nn.init.zeros_(layer.bias)


@torch.no_grad()
def clear_biases(module: nn.Module) -> None:
    """All biases of convolutions zero, which torchvision's mask predictor leaves random.

    Its weights stay: Detectron's `mask_rcnn_heads.py` draws class-specific mask logits by MSRAFill
    (only class-agnostic ones are normal with 0.001), and so does torchvision.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.bias is not None:
            layer.bias.zero_()
