import numpy as np
import pytest
import torch

from relume.errors import ImageError
from relume.metrics import pu21, pu_piqe
from relume.metrics.piqe import piqe


def _by_loops(codes: np.ndarray) -> float:
    """The method of the paper, block by block and segment by segment."""
    offset = np.arange(-3, 4)
    window = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    padded = np.pad(codes, 3, mode="edge")
    patches = np.lib.stride_tricks.sliding_window_view(padded, (7, 7))
    mean = (patches * window).sum((-2, -1))
    deviation = np.sqrt(np.abs((patches**2 * window).sum((-2, -1)) - mean**2))
    normalised = (codes - mean) / (deviation + 1)
    distortion, active = 0.0, 0
    for top in range(0, codes.shape[0], 16):
        for left in range(0, codes.shape[1], 16):
            block = normalised[top : top + 16, left : left + 16]
            variance = block.var(ddof=1)
            if variance <= 0.1:
                continue
            active += 1
            edges = (block[0], block[-1], block[:, 0], block[:, -1])
            if any(edge[i : i + 6].std(ddof=1) < 0.1 for edge in edges for i in range(11)):
                distortion += 1 - variance
            ratio = block[:, 7:9].std(ddof=1) / np.delete(block, (7, 8), axis=1).std(ddof=1)
            beta = abs(np.sqrt(variance) - ratio) / max(np.sqrt(variance), ratio)
            if np.sqrt(variance) > 2 * beta:
                distortion += variance
    return 100 * (distortion + 1) / (active + 1)


@pytest.mark.parametrize("noise", [0.0, 2.0, 20.0])
def test_equals_the_method_step_by_step(generator: torch.Generator, noise: float) -> None:
    """Gentle waves with some blocks of one value, as compression leaves them."""
    codes = (
        100.0 + 60.0 * torch.outer(torch.linspace(0, 40, 64).sin(), torch.linspace(0, 25, 48).cos()).double()
    )
    codes[16:32, 16:32] = 90.0
    codes[32:, :17] = 130.0
    codes = codes + noise * torch.randn(64, 48, generator=generator)
    assert float(piqe(codes[None, None])) == pytest.approx(_by_loops(codes.numpy()), abs=1e-9)


def test_a_flat_picture_has_no_quality() -> None:
    assert float(pu_piqe(torch.full((3, 40, 40), 100.0))) == 100.0


def test_units_are_those_of_luminance(light: torch.Tensor) -> None:
    grey = light.mean(0, keepdim=True).expand(3, -1, -1)
    units = pu21.encode(grey[:1])
    padded = torch.nn.functional.pad(units[None], (0, 2, 0, 12), mode="replicate")
    assert float(pu_piqe(grey)) == pytest.approx(_by_loops(padded[0, 0].numpy()), abs=1e-6)


def test_relative_light_is_refused() -> None:
    with pytest.raises(ImageError, match=r"no light is above 0\.5 cd/m²"):
        pu_piqe(torch.full((3, 40, 40), 0.5))
