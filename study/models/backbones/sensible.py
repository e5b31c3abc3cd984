"""Backbones that are worth a look, smallest first, and how well they name ImageNet's images."""

from __future__ import annotations

TOP1: dict[str, float | None] = {
    "lite0": 74.83,
    "timm/mobilenetv2_100.ra_in1k": 72.98,
    "timm/mobilenetv3_large_100.ra_in1k": 75.77,
    "timm/regnety_004.tv2_in1k": 75.60,
    "timm/edgenext_x_small.in1k": 75.69,
    "timm/convnext_atto.d2_in1k": 77.01,
    "timm/resnet18.a1_in1k": 73.16,
    "timm/convnext_tiny.fb_in22k_ft_in1k": 78.90,
    "resnet18": None,
    "resnet50": None,
}
"""Per cent of ImageNet's validation images named rightly by the published weights; from timm's
results/results-imagenet.csv. None: it is not in that table under this name (torchvision publishes
its own, and timm's ResNet-50 with GroupNorm is not listed in what was read)."""
