"""Tiny data and recipes for the tests of training, also run as a program of its own:

python training_toys.py RECIPE OUT STEPS [WORKERS]
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from relume.training import cores
from relume.training.loop import Machine, train
from relume.training.losses.adversarial import discriminator_loss, generator_loss
from relume.training.losses.distance import l1
from relume.training.losses.encoding import compressed
from relume.training.objective import Batch, Objective, Scores, Turn
from relume.training.optim import Adam, RMSProp
from relume.training.recipe import Recipe, Stage
from relume.training.reconstruction import Reconstruction
from relume.training.schedules import Cosine, Steps, Warmup
from relume.training.validation import score_reconstruction

MACHINE = Machine(device="cpu", precision="float32", workers=0, save_every=0.0)


@dataclass(frozen=True, kw_only=True)
class Blobs(Dataset[dict[str, Tensor]]):
    """A bright blob in front of a ramp; sample `index` is a function of nothing else."""

    seed: int = 0
    size: int = 16

    def __len__(self) -> int:
        return 1 << 40

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(self.seed * 7919 + index)
        x, y, radius, stops = torch.rand(4, generator=generator).tolist()
        steps = torch.linspace(0.0, 1.0, self.size)
        distance = (steps[None] - x).square() + (steps[:, None] - y).square()
        light = 0.3 * steps[None] + 0.1 + 2 ** (3 * stops) * (-distance / (0.02 + 0.05 * radius)).exp()
        hdr = light.expand(3, -1, -1) * torch.tensor([1.0, 0.9, 0.8]).view(3, 1, 1)
        return {"sdr": hdr.clamp(0.0, 1.0) ** (1 / 2.2), "hdr": hdr}


def compressed_l1(prediction: Tensor, target: Tensor) -> Tensor:
    return l1(compressed(prediction), compressed(target))


RECONSTRUCTION = Reconstruction(losses={"l1": (1.0, compressed_l1)})


@dataclass(frozen=True, kw_only=True)
class Game(Objective):
    """A GAN: the model's turn, then the critic's on what the model made in the first."""

    adversarial: float = 0.01

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        prediction, target = compressed(networks["model"](batch["sdr"])), compressed(batch["hdr"])
        content = l1(prediction, target)
        deception = generator_loss(networks["critic"](prediction))
        terms = {"content": content, "deception": deception}
        yield Turn(optimizer="model", loss=content + self.adversarial * deception, terms=terms)
        real, fake = networks["critic"](target), networks["critic"](prediction.detach())
        yield Turn(optimizer="critic", loss=discriminator_loss(real, fake))

    def validate(self, networks: nn.ModuleDict, batch: Batch) -> Scores:
        return score_reconstruction(batch["sdr"], networks["model"](batch["sdr"]), batch["hdr"])


class Critic(nn.Module):
    """Normalisation and dropout on purpose: they have statistics and random numbers to resume."""

    def __init__(self, *, normalised: bool = True) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=2)
        self.norm = nn.BatchNorm2d(4) if normalised else nn.Identity()
        self.dropout = nn.Dropout(0.3 if normalised else 0.0)
        self.last = nn.Linear(4, 1)

    def forward(self, image: Tensor) -> Tensor:
        features = self.dropout(functional.leaky_relu(self.norm(self.first(image))))
        return self.last(features.mean((-2, -1)))[:, 0]


def plain(steps: int) -> Recipe:
    """One stage."""
    stage = Stage(
        name="main",
        steps=steps,
        objective=RECONSTRUCTION,
        optimizers={"model": Adam(learning_rate=1e-3)},
        data=Blobs(),
        batch=4,
        validate_every=steps,
        log_every=1,
    )
    return Recipe(
        name="plain",
        model="unet",
        preset="smoke",
        stages=(stage,),
        validation=Blobs(seed=1),
        validation_pairs=2,
    )


def game(steps: int, *, normalised: bool = True) -> Recipe:
    """Two stages, the second a GAN: several optimizers, schedules, clipping, an average."""
    first = Stage(
        name="content",
        steps=steps // 3,
        objective=RECONSTRUCTION,
        optimizers={"model": Adam(learning_rate=1e-3, schedule=Cosine(floor=0.1), clip=1.0)},
        data=Blobs(),
        batch=2,
        average=0.9,
        validate_every=5,
        log_every=1,
    )
    second = Stage(
        name="game",
        steps=steps - steps // 3,
        objective=Game(),
        optimizers={
            "model": Adam(learning_rate=1e-3, schedule=Warmup(rise=3, then=Cosine())),
            "critic": RMSProp(networks=("critic",), learning_rate=1e-3, schedule=Steps(at=(8,))),
        },
        data=Blobs(seed=3),
        batch=4,
        average=0.95,
        validate_every=7,
        log_every=1,
    )
    return Recipe(
        name="game",
        model="unet",
        preset="smoke",
        companions={"critic": partial(Critic, normalised=normalised)},
        stages=(first, second),
        validation=Blobs(seed=1),
        validation_pairs=2,
        seed=5,
    )


RECIPES = {"plain": plain, "game": game, "game_without_norm": partial(game, normalised=False)}


def losses(entries: list[dict]) -> list[dict]:
    """What must be the same in two runs: everything but the time."""
    return [
        {key: value for key, value in entry.items() if key not in ("samples_per_second", "waiting")}
        for entry in entries
    ]


if __name__ == "__main__":
    cores._cores = lambda: 1
    name, out, steps, workers = [*sys.argv[1:], "0"][:4]
    train(RECIPES[name](int(steps)), Path(out), machine=replace(MACHINE, workers=int(workers)))
