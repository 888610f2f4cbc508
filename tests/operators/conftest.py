"""The reference values of the HDR Toolbox, as tensors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor


def _picture(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array).to(torch.float64).permute(2, 0, 1)[None].contiguous()


@pytest.fixture
def toolbox_input(shared: Path) -> Callable[[str], Tensor]:
    """An input picture by name: linear for tone mapping (tmo_*), encoded for expansion (eo_*); float64."""
    return lambda name: _picture(np.load(shared / "conformance/operators/inputs" / f"{name}.npy"))


@pytest.fixture
def toolbox_output(shared: Path) -> Callable[[str, str], Tensor]:
    """What an operator of the toolbox returned, by its name and the case's; float64 of stored float32."""
    folder = shared / "conformance/operators/golden"
    return lambda operator, case: _picture(np.load(folder / f"{operator}.npz")[case])


@pytest.fixture
def curves(shared: Path) -> dict[str, Any]:
    """Values of curves that no program gave: formulas computed with NumPy, by the name of the curve."""
    text = (shared / "conformance/operators/curves.json").read_text(encoding="utf-8")
    return dict(json.loads(text)["curves"])
