"""Pictures with the values that the programs of the authors computed for them, and a scene of our own."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session")
def conformance(shared: Path) -> Path:
    return shared / "conformance" / "metrics"


@pytest.fixture(scope="session")
def values(conformance: Path) -> dict:
    return json.loads((conformance / "reference.json").read_text())


@pytest.fixture(scope="session")
def pair_of(conformance: Path) -> Callable[[str], tuple[np.ndarray, np.ndarray]]:
    """Prediction and reference of a pair by its name, in cd/m²."""

    def load(pair: str) -> tuple[np.ndarray, np.ndarray]:
        folder = conformance / "pairs"
        return np.load(folder / f"test_{pair}.npy"), np.load(folder / f"ref_{pair[0]}.npy")

    return load


@pytest.fixture
def light(generator: torch.Generator) -> torch.Tensor:
    """A smooth coloured scene in cd/m², three to four orders of magnitude, 190×180 pixels, float64."""
    coarse = torch.randn(1, 3, 12, 12, generator=generator, dtype=torch.float64)
    smooth = torch.nn.functional.interpolate(coarse, size=(180, 190), mode="bicubic")[0]
    return 50.0 * (1.5 * smooth).exp()
