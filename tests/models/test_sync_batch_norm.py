"""Two workers with a share each compute what one computes with the whole batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from study.models.sync_batch_norm import SyncBatchNorm
from tests.processes import two_workers

IMAGES = 5
SHARES = {"of unequal size": (3, 2), "of which one is empty": (5, 0), "of one image": (1, 4)}


def network(norm: type[nn.BatchNorm2d]) -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3, bias=False), norm(4), nn.ReLU(), nn.Conv2d(4, 6, 3), norm(6)]
    return nn.Sequential(*layers).double().train()


def batch(step: int) -> tuple[Tensor, Tensor]:
    """Images [5, 3, 8, 8], far from zero mean, and what their outputs [5, 6, 4, 4] weigh."""
    torch.manual_seed(1 + step)
    return torch.randn(IMAGES, 3, 8, 8).double() + 10, torch.randn(IMAGES, 6, 4, 4).double()


def two_steps(net: nn.Module, own: slice, workers: int) -> dict[str, Tensor]:
    """Outputs and gradients of two steps on `own` images of each batch, and all statistics."""
    found: dict[str, Tensor] = {}
    for step in range(2):
        images, weights = (part[own] for part in batch(step))
        images.requires_grad_()
        out = net(images)
        net.zero_grad()
        # DDP takes the mean of the workers' gradients, as in the engine
        ((out.square() * weights).sum() * workers).backward()
        leaves = {"in": images} | dict(net.named_parameters())
        for name, leaf in leaves.items():
            assert leaf.grad is not None
            found[f"{step} {name}".replace("module.", "")] = leaf.grad
        found[f"{step} in"] = found[f"{step} in"] / workers
        found[f"{step} out"] = out.detach()
    for name, value in net.state_dict().items():
        found[name.removeprefix("module.")] = value
    return found


def _worker(rank: int, address: str, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    try:
        for name, (first, _) in SHARES.items():
            net = DistributedDataParallel(network(SyncBatchNorm), broadcast_buffers=False)
            own = slice(0, first) if rank == 0 else slice(first, IMAGES)
            torch.save(two_steps(net, own, 2), Path(folder) / f"{name} {rank}")
    finally:
        dist.destroy_process_group()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two real processes leave what they found."""
    path = tmp_path_factory.mktemp("workers")
    two_workers(_worker, str(path))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("share", SHARES)
def test_two_workers_are_one_with_the_whole_batch(folder: Path, share: str):
    whole = two_steps(network(nn.BatchNorm2d), slice(None), 1)
    first, second = (torch.load(folder / f"{share} {rank}") for rank in (0, 1))
    assert first.keys() == second.keys() == whole.keys()
    for name, expected in whole.items():
        if name.endswith((" out", " in")):
            found = torch.cat([first[name], second[name]])
        else:
            assert torch.equal(first[name], second[name]), name  # to the last bit
            found = first[name]
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10, msg=name)


def test_alone_it_is_the_plain_batch_norm():
    plain = two_steps(network(nn.BatchNorm2d), slice(None), 1)
    alone = two_steps(network(SyncBatchNorm), slice(None), 1)
    assert plain.keys() == alone.keys()
    assert all(torch.equal(alone[name], value) for name, value in plain.items())


def test_a_batch_of_nothing_moves_no_statistics():
    norm = SyncBatchNorm(3).train()
    norm(torch.zeros(0, 3, 4, 4)).sum().backward()
    assert norm.running_mean is not None and norm.running_var is not None
    assert norm.running_mean.tolist() == [0, 0, 0]
    assert norm.running_var.tolist() == [1, 1, 1]
