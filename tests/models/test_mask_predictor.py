"""One class's mask per RoI equals that class of torchvision's predictor, values and gradients."""

import torch
from torchvision.models.detection.mask_rcnn import MaskRCNNPredictor

from study.models.heads.mask_predictor import MaskPredictor


def test_equals_torchvision():
    generator = torch.Generator().manual_seed(0)
    ours, theirs = MaskPredictor(6, 5, 4).double(), MaskRCNNPredictor(6, 5, 4).double()
    for parameter in theirs.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(7, 6, 3, 4, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 4, (7,), generator=generator)
    found, expected = ours(x, labels), theirs(x)[torch.arange(7), labels]
    assert found.shape == (7, 6, 8)
    torch.testing.assert_close(found, expected)
    weights = torch.randn(found.shape, generator=generator, dtype=torch.float64)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    for own, reference in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(own.grad, reference.grad)


def test_no_rois_no_masks():
    none = torch.zeros(0, dtype=torch.int64)
    assert MaskPredictor(6, 5, 4)(torch.zeros(0, 6, 3, 3), none).shape == (0, 6, 6)
