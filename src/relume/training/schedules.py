"""Learning-rate schedules as pure functions of the step, so that resuming them is nothing."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass


class Schedule(ABC):
    """A factor on the learning rate."""

    @abstractmethod
    def factor(self, step: int, steps: int) -> float:
        """The factor in step `step` (from 0) of `steps`."""


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """Always 1."""

    def factor(self, step: int, steps: int) -> float:
        """1."""
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """Half a cosine from 1 down to `floor`.

    References:  [loshchilov2017], eq. 5, without restarts.
    """

    floor: float = 0.0
    every: int = 1
    """Changes only each so many steps, for recipes that count in epochs."""

    def factor(self, step: int, steps: int) -> float:
        """From 1 in the first step towards `floor` after the last."""
        share = step // self.every * self.every / steps
        return self.floor + (1.0 - self.floor) * 0.5 * (1.0 + math.cos(math.pi * share))


@dataclass(frozen=True, kw_only=True)
class Steps(Schedule):
    """Multiplied by `ratio` at each of the given steps."""

    at: tuple[int, ...]
    ratio: float = 0.1

    def factor(self, step: int, steps: int) -> float:
        """The ratio, once for each of the given steps that has been reached."""
        return self.ratio ** sum(step >= boundary for boundary in self.at)


@dataclass(frozen=True, kw_only=True)
class Exponential(Schedule):
    """Multiplied by `ratio` after every so many steps."""

    ratio: float
    every: int = 1

    def factor(self, step: int, steps: int) -> float:
        """A power of the ratio."""
        return self.ratio ** (step // self.every)


@dataclass(frozen=True, kw_only=True)
class Warmup(Schedule):
    """A straight rise to 1 in the first steps, then another schedule."""

    rise: int
    then: Schedule = Constant()

    def factor(self, step: int, steps: int) -> float:
        """(step + 1) / rise, then what follows, which counts its steps from the end of the rise."""
        if step < self.rise:
            return (step + 1) / self.rise
        return self.then.factor(step - self.rise, max(steps - self.rise, 1))
