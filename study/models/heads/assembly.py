"""The heads of a detector put together from torchvision's parts, by its configuration."""

from __future__ import annotations

from torch import nn

from study.config import ModelConfig
from study.models import backbones, norms
from study.models.heads import cascade, fidelity
from study.models.heads.mask_predictor import MaskPredictor
from study.models.heads.roi_align import PyramidRoIAlign
from study.models.heads.roi_heads import BoxParts, Branch, Heads
from study.models.vision import (
    FastRCNNConvFCHead,
    FastRCNNPredictor,
    KeypointRCNNPredictor,
    MaskRCNNHeads,
    TwoMLPHead,
)


def heads(config: ModelConfig, channels: int, num_classes: int) -> Heads:
    """The box stages, mask and keypoint head.

    Later stages are drawn last, so that a cascade's other weights are those of a plain model.
    """
    norm = norms.of_heads(config)
    first = _box_parts(config, channels, num_classes, 0)
    mask = keypoint = None
    if config.masks:
        mask = Branch(
            _pool(config, config.mask_pool),
            MaskRCNNHeads(channels, [channels] * config.mask_convs, 1, norm_layer=norm),
            MaskPredictor(channels, channels, num_classes + 1),
        )
        if config.fidelity == "detectron":
            fidelity.clear_biases(mask.predictor)
    if config.keypoints:
        keypoint = Branch(
            _pool(config, config.keypoint_pool),
            # torchvision's head for keypoints takes no norm; but for that they are alike
            MaskRCNNHeads(
                channels,
                [config.keypoint_channels] * config.keypoint_convs,
                1,
                norm_layer=norm,
            ),
            KeypointRCNNPredictor(config.keypoint_channels, config.keypoints),
        )
    later = [
        _box_parts(config, channels, num_classes, stage) for stage in range(1, len(config.cascade))
    ]
    return Heads(config, first, later, mask, keypoint)


def _box_parts(config: ModelConfig, channels: int, num_classes: int, stage: int) -> BoxParts:
    """N conv + fc on a pyramid, with norm; two fc layers on a single map, as in VGG's R-CNN."""
    if config.pyramid:
        head: nn.Module = FastRCNNConvFCHead(
            (channels, config.box_pool, config.box_pool),
            [channels] * config.box_convs,
            [config.box_fc] * config.box_fc_layers,
            norm_layer=norms.of_heads(config),
        )
    else:
        # Fast R-CNN has dropout behind both layers (Girshick 2015), Detectron has none. There is
        # none here either: what is dropped would have to be a function of the image's seed.
        head = TwoMLPHead(channels * config.box_pool**2, config.box_fc)
    predictor = FastRCNNPredictor(config.box_fc, num_classes + 1)
    if config.fidelity == "detectron":
        fidelity.fill_box_head(head, predictor)
    if isinstance(head, TwoMLPHead):  # "Rethinking": VGG is initialised by MSRA throughout
        for layer in (head.fc6, head.fc7):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    if config.agnostic:
        predictor.bbox_pred = _first_outputs(predictor.bbox_pred, 4)
    iou = config.cascade[stage] if config.cascade else 0.5
    return BoxParts(_pool(config, config.box_pool), head, predictor, iou, cascade.weights(stage))


def _first_outputs(layer: nn.Linear, outputs: int) -> nn.Linear:
    """The layer cut down: whatever is drawn after it, is drawn as after the whole layer."""
    cut = nn.Linear(layer.in_features, outputs, device="meta")
    cut.to_empty(device=layer.weight.device)
    cut.load_state_dict({name: value[:outputs] for name, value in layer.state_dict().items()})
    return cut


def _pool(config: ModelConfig, bins: int) -> PyramidRoIAlign:
    strides = backbones.find(config.body.name).maps(config).strides
    return PyramidRoIAlign(
        bins, len(strides), config.canonical_px, config.canonical_level, strides[0]
    )
