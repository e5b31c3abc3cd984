"""Heatmaps: the loss is torchvision's before the division, and decoding inverts the encoding."""

from __future__ import annotations

import torch
from torchvision.models.detection.roi_heads import keypointrcnn_loss, keypoints_to_heatmap

from study.models.heads import keypoints

BOXES = [torch.tensor([[10.0, 20, 50, 100], [5, 5, 45, 37]]), torch.tensor([[0.0, 0, 64, 64]])]
MATCHED = [torch.tensor([1, 0]), torch.tensor([0])]
POINTS = [
    torch.tensor(
        [
            [[12.0, 30.0, 2.0], [44.0, 36.0, 1.0], [0.0, 0.0, 0.0]],
            [[20.0, 40.0, 2.0], [60.0, 40.0, 2.0], [50.0, 100.0, 1.0]],  # the second: outside
        ]
    ),
    torch.tensor([[[1.0, 1.0, 0.0], [33.0, 9.0, 2.0], [2.0, 70.0, 2.0]]]),  # the third: outside
]


def test_loss_is_torchvisions_times_the_visible_keypoints_inside():
    logits = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    points = torch.cat([own[match] for own, match in zip(POINTS, MATCHED, strict=True)])
    share = keypoints.share(logits, torch.cat(BOXES), points)
    assert share.terms == 5
    expected = keypointrcnn_loss(logits, BOXES, POINTS, MATCHED)
    torch.testing.assert_close(share.total / share.terms, expected)


def test_nothing_visible_is_no_term_and_no_gradient():
    logits = torch.randn(1, 3, 8, 8, requires_grad=True)
    hidden = POINTS[0] * torch.tensor([1.0, 1.0, 0.0])
    share = keypoints.share(logits, BOXES[1], hidden[MATCHED[1]])
    share.total.backward()
    assert share.terms == 0 and not share.total
    assert logits.grad is not None and not logits.grad.any()


def test_a_heatmaps_peak_is_the_keypoint_to_half_a_cell():
    cells, _ = keypoints_to_heatmap(POINTS[0][MATCHED[0]], BOXES[0], 56)
    grid = torch.arange(56)
    y, x = (grid - (cells // 56)[..., None]) ** 2, (grid - (cells % 56)[..., None]) ** 2
    logits = 9.0 - 0.1 * (y[..., :, None] + x[..., None, :])
    found, none = keypoints.decode(logits, [BOXES[0], torch.zeros(0, 4)])
    assert none.shape == (0, 3, 3)
    for own, truth, box in zip(found, POINTS[0][MATCHED[0]], BOXES[0], strict=True):
        cell = (box[2:] - box[:2]) / 56
        inside = (truth[:, :2] >= box[:2]) & (truth[:, :2] <= box[2:])
        seen = (truth[:, 2] > 0) & inside.all(dim=1)
        assert ((own[seen, :2] - truth[seen, :2]).abs() <= cell / 2 + 0.51).all()
        assert (own[seen, 2] > 8).all()  # the logit there
