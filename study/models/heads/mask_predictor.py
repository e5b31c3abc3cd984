"""The last two layers of the mask head, for one class per RoI.

torchvision computes every class's mask and then takes one. Only that one is computed here, and
both layers are matrix products: a 2 × 2 deconvolution of stride 2 has no overlap, so each input
pixel makes its own four outputs. On a CPU that takes a tenth off a training step. Parameters are
named and shaped like those of `torchvision.models.detection.mask_rcnn.MaskRCNNPredictor`.
"""

from __future__ import annotations

from torch import Tensor, nn


class MaskPredictor(nn.Module):
    """ReLU after the deconvolution, logits after the 1 × 1 convolution; initialised as there."""

    def __init__(self, in_channels: int, channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv5_mask = nn.ConvTranspose2d(in_channels, channels, 2, 2)
        self.mask_fcn_logits = nn.Conv2d(channels, num_classes, 1)
        for layer in (self.conv5_mask, self.mask_fcn_logits):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Logits [n, 2h, 2w] of class `labels` [n] from features [n, C, h, w]."""
        n, channels, height, width = x.shape
        pixels = x.permute(0, 2, 3, 1).reshape(n * height * width, channels)
        weight, bias = self.conv5_mask.weight, self.conv5_mask.bias
        assert bias is not None and self.mask_fcn_logits.bias is not None
        four = pixels @ weight.permute(0, 2, 3, 1).reshape(channels, -1)  # [n h w, (2 2 C')]
        four = (four.reshape(n, height * width * 4, len(bias)) + bias).relu()
        own = self.mask_fcn_logits.weight[labels, :, 0, 0]
        logits = (four @ own[:, :, None])[..., 0] + self.mask_fcn_logits.bias[labels, None]
        halves = logits.reshape(n, height, width, 2, 2).transpose(2, 3)
        return halves.reshape(n, 2 * height, 2 * width)
