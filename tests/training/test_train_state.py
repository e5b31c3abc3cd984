"""What a run remembers: the average of its weights, and the whole of it through a file."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from study.config import OptimConfig, RunConfig
from study.config.schedule import Leg
from study.models import initialisation
from study.training.train_state import TrainState, optimiser, read


@pytest.fixture
def state() -> TrainState:
    detector, _ = initialisation.build(RunConfig(), num_classes=2)
    return TrainState(detector, optimiser(detector, OptimConfig()))


def place(content: bytes) -> tuple[str, str | None]:
    saved = read(content, torch.device("cpu"))
    return saved["leg"], saved["trunk"]


def shift(state: TrainState, amount: float) -> None:
    with torch.no_grad():
        for parameter in state.detector.parameters():
            parameter.add_(amount)


def test_the_average_moves_by_the_decay_and_steps_aside(state: TrainState):
    first = next(state.detector.parameters()).detach().clone()
    state.add_to_average(0.0)
    shift(state, 1.0)
    state.add_to_average(0.75)
    now = next(state.detector.parameters())
    torch.testing.assert_close(now, first + 1.0)
    with state.averaged():
        torch.testing.assert_close(next(state.detector.parameters()), first + 0.25)
    assert torch.equal(next(state.detector.parameters()), now)


def test_restored_it_is_the_state_that_was_saved(state: TrainState):
    state.enter(Leg(0, 5))
    state.add_to_average(0.5)
    state.add_losses({"mask": 1.5})
    state.iteration = 5
    saved = state.to_bytes()
    assert place(saved) == ("trunk-5", "")
    average = {name: value.clone() for name, value in state.average.items()}
    shift(state, 1.0)
    state.add_to_average(0.5)  # the average is another now, and is to be as it was
    assert not all(torch.equal(average[name], own) for name, own in state.average.items())
    state.enter(Leg(5, 9, 9, 0.1))
    assert place(state.to_bytes()) == ("tail-9-0.1", None)
    state.restore(saved)
    assert (state.leg, state.trunk, state.iteration) == ("trunk-5", "", 5)
    assert state.mean_losses() == {"loss": 1.5, "loss_mask": 1.5}
    assert all(torch.equal(average[name], own) for name, own in state.average.items())
    assert state.to_bytes() == saved


def test_losses_are_means_over_the_leg(state: TrainState):
    state.enter(Leg(0, 5))
    for box, mask in ((1.0, 4.0), (2.0, 2.0), (6.0, 0.0)):
        state.add_losses({"box": box, "mask": mask})
    assert state.mean_losses() == {"loss": 5.0, "loss_box": 3.0, "loss_mask": 2.0}
    state.enter(Leg(5, 9, 9, 0.1))
    state.add_losses({"box": 7.0})
    assert state.mean_losses() == {"loss": 7.0, "loss_box": 7.0}


def test_what_may_join_later_stands_in_the_last_groups():
    """As in the checkpoints of earlier versions."""
    model = RunConfig().model
    late = initialisation.build(RunConfig(model=replace(model, cascade=(0.5, 0.6))), 2)[0]
    groups = [
        {id(p) for p in group["params"]} for group in optimiser(late, OptimConfig()).param_groups
    ]
    joining = {id(p) for p in late.joining()}
    assert len(groups) == 4 and joining == groups[2] | groups[3]


def step(state: TrainState, gradient: float) -> None:
    for parameter in state.detector.parameters():
        parameter.grad = torch.full_like(parameter, gradient) if parameter.requires_grad else None
    state.optimiser.step()


def test_weights_momentum_and_average_go_on_in_another_process_where_they_were(state: TrainState):
    state.enter(Leg(0, 5))
    state.add_to_average(0.0)
    step(state, 1.0)  # from here on there is momentum
    detector, _ = initialisation.build(RunConfig(), num_classes=2)
    fresh = TrainState(detector, optimiser(detector, OptimConfig()))
    fresh.restore(state.to_bytes())
    for one in (state, fresh):
        step(one, 0.5)
        one.add_to_average(0.75)
    assert all(map(torch.equal, fresh.detector.parameters(), state.detector.parameters()))
    assert fresh.average.keys() == state.average.keys()
    assert all(torch.equal(fresh.average[name], own) for name, own in state.average.items())


def test_weights_decay_but_norms_and_biases_do_not():
    detector, _ = initialisation.build(RunConfig(), num_classes=2)
    detector.requires_grad_(True)
    before = {name: value.detach().clone() for name, value in detector.named_parameters()}
    steps = optimiser(detector, OptimConfig(lr=0.5, momentum=0.0, weight_decay=0.1))
    for parameter in detector.parameters():
        parameter.grad = torch.zeros_like(parameter)
    steps.step()
    of_norms = {
        f"{name}.{own}"
        for name, module in detector.named_modules()
        if isinstance(module, torch.nn.GroupNorm | torch.nn.BatchNorm2d)
        for own in ("weight", "bias")
    }
    kept = {name for name in before if name in of_norms or name.endswith(".bias")}
    assert of_norms and of_norms < kept < before.keys()
    for name, value in detector.named_parameters():
        torch.testing.assert_close(value, before[name] * (1.0 if name in kept else 0.95))


def test_the_optimiser_is_torchs_to_the_last_bit():
    ours, theirs = (
        initialisation.build(RunConfig(), num_classes=2)[0].requires_grad_(True) for _ in range(2)
    )
    config = OptimConfig()
    own = optimiser(ours, config)
    groups = [{**group, "params": []} for group in own.param_groups]
    places = {id(p): at for at, p in enumerate(ours.parameters())}
    parameters = list(theirs.parameters())
    for group, there in zip(groups, own.param_groups, strict=True):
        group["params"] = [parameters[places[id(p)]] for p in there["params"]]
    reference = torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, fused=True)
    for _ in range(3):
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            mine.grad = torch.randn_like(mine)
            other.grad = mine.grad.clone()
        own.step()
        reference.step()
    assert all(map(torch.equal, ours.parameters(), theirs.parameters()))
    assert str(own.state_dict()) == str(reference.state_dict())
    own.load_state_dict(reference.state_dict())
    own.zero_grad()
    assert all(p.grad is None for p in ours.parameters())
