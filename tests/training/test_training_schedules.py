"""Schedules agree with torch's own, which keep state where ours are functions."""

import pytest
import torch
from torch.optim import lr_scheduler

from relume.training.schedules import Constant, Cosine, Exponential, Schedule, Steps, Warmup

STEPS = 40


def rates(scheduler_of: object) -> list[float]:
    """Learning rates of torch's scheduler with a base rate of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = scheduler_of(optimizer)
    found = []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Constant(), lambda o: lr_scheduler.ConstantLR(o, factor=1.0)),
        (Cosine(floor=0.01), lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS, eta_min=0.01)),
        (Steps(at=(10, 25), ratio=0.1), lambda o: lr_scheduler.MultiStepLR(o, [10, 25], gamma=0.1)),
        (Exponential(ratio=0.9, every=4), lambda o: lr_scheduler.StepLR(o, 4, gamma=0.9)),
    ],
)
def test_same_as_torch(ours: Schedule, theirs: object) -> None:
    assert [ours.factor(step, STEPS) for step in range(STEPS)] == pytest.approx(rates(theirs))


def test_cosine_by_epochs_keeps_its_rate_within_one() -> None:
    schedule = Cosine(every=10)
    assert {schedule.factor(step, STEPS) for step in range(10, 20)} == {schedule.factor(10, STEPS)}
    assert schedule.factor(0, STEPS) == 1.0


def test_warmup_rises_to_one_and_hands_over() -> None:
    schedule = Warmup(rise=4, then=Steps(at=(6,), ratio=0.5))
    found = [schedule.factor(step, 20) for step in (0, 1, 3, 4, 9, 10)]
    assert found == [0.25, 0.5, 1.0, 1.0, 1.0, 0.5]
