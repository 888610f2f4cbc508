import json
from pathlib import Path

import numpy as np
import pytest
import torch

from relume.errors import ImageError
from relume.metrics.tmqi import MINIMUM_SIZE, tmqi

RECORDS = [
    (f"{scene}_{tone}", crop)
    for scene in "BE"
    for tone in ("reinhard", "gammaclip", "log")
    for crop in (0, 1)
]


@pytest.mark.parametrize(("picture", "crop"), RECORDS)
def test_equals_the_program_of_the_authors(shared: Path, picture: str, crop: int) -> None:
    """Version 1.0 run in Octave; with crop 1 the size is a multiple of the 11×11 blocks."""
    folder = shared / "conformance" / "metrics"
    records = json.loads((folder / "reference.json").read_text())["tmqi"]
    (expected,) = (
        record
        for record in records
        if (record["ldr"], record["crop"]) == (f"ldr_{picture}", crop)
        and record["impl"].startswith("TMQI v1.0")
    )
    height, width = expected["size"]
    sdr = np.load(folder / "pairs" / f"ldr_{picture}.npy")[:height, :width]
    hdr = np.load(folder / "pairs" / f"ref_{picture[0]}.npy")[:height, :width]
    for name, value in tmqi(sdr, hdr)._asdict().items():
        assert float(value) == pytest.approx(expected[name.upper()], abs=1e-8), name


def _scene(generator: torch.Generator, *batch: int) -> torch.Tensor:
    """Smooth random light over five orders of magnitude, in float32."""
    coarse = torch.randn(*batch, 3, 12, 12, generator=generator).reshape(-1, 3, 12, 12)
    smooth = torch.nn.functional.interpolate(coarse, size=(180, 190), mode="bicubic")
    return (3.0 * smooth).exp().reshape(*batch, 3, 180, 190)


def _tone_mapped(light: torch.Tensor) -> torch.Tensor:
    return (light / (1.0 + light)).pow(1 / 2.2)


def test_codes_and_encoded_values_are_the_same_picture(generator: torch.Generator) -> None:
    hdr = _scene(generator)
    codes = (255.0 * _tone_mapped(hdr)).round().byte()
    from_codes, from_values = tmqi(codes, hdr), tmqi(codes.double() / 255.0, hdr)
    for left, right in zip(from_codes, from_values, strict=True):
        assert float(left) == pytest.approx(float(right), abs=1e-9)


def test_array_and_tensor_agree(generator: torch.Generator) -> None:
    hdr = _scene(generator).double()
    sdr = _tone_mapped(hdr)
    array = tmqi(sdr.permute(1, 2, 0).numpy(), hdr.permute(1, 2, 0).numpy())
    torch.testing.assert_close(array, tmqi(sdr, hdr), rtol=0, atol=1e-12)


def test_batch_is_measured_picture_by_picture(generator: torch.Generator) -> None:
    hdr = _scene(generator, 2, 2)
    together = tmqi(_tone_mapped(hdr), hdr)
    assert together.q.shape == (2, 2)
    assert together.q.dtype == torch.float32
    alone = tmqi(_tone_mapped(hdr[1, 0]), hdr[1, 0])
    torch.testing.assert_close(torch.stack(alone), torch.stack([value[1, 0] for value in together]))


def test_lost_structure_costs_fidelity(generator: torch.Generator) -> None:
    hdr = _scene(generator)
    kept = _tone_mapped(hdr)
    clipped = hdr.clamp(max=float(hdr.quantile(0.3))) / float(hdr.quantile(0.3))
    assert tmqi(kept, hdr).s > tmqi(clipped, hdr).s + 0.1


def test_dark_and_flat_pictures_are_unnatural(generator: torch.Generator) -> None:
    hdr = _scene(generator)
    sdr = _tone_mapped(hdr)
    assert tmqi(0.2 * sdr, hdr).n < tmqi(sdr, hdr).n
    # Not zero, because the blocks at the right and lower end are filled up with black.
    assert tmqi(torch.full_like(sdr, 0.45), hdr).n < 0.02


@pytest.mark.parametrize("sdr", [0.0, 0.5, 1.0])
def test_constant_pictures_give_finite_values(sdr: float) -> None:
    size = (3, MINIMUM_SIZE, MINIMUM_SIZE)
    for value in tmqi(torch.full(size, sdr), torch.full(size, 7.0)):
        assert torch.isfinite(value).all()


def test_gradient_is_finite_even_where_flat(generator: torch.Generator) -> None:
    hdr = _scene(generator)
    sdr = _tone_mapped(hdr)
    sdr[:, :60] = 1.0
    sdr.requires_grad_()
    tmqi(sdr, hdr).q.backward()
    assert sdr.grad is not None
    assert torch.isfinite(sdr.grad).all()
    assert sdr.grad.abs().max() > 0


@pytest.mark.parametrize("kind", ["negative", "checks"])
def test_the_worst_pictures_have_values_and_gradients(generator: torch.Generator, kind: str) -> None:
    """A negative has the opposite structure, checks have more contrast than any photograph."""
    hdr = _tone_mapped(_scene(generator))
    checks = torch.arange(180)[:, None].add(torch.arange(190)).remainder(2).float().expand(3, -1, -1)
    sdr = (1.0 - hdr if kind == "negative" else checks).clone().requires_grad_()
    q, s, n = tmqi(sdr, hdr)
    q.backward()
    assert float((s if kind == "negative" else n).detach()) == pytest.approx(0.0, abs=1e-3)
    assert sdr.grad is not None
    assert torch.isfinite(sdr.grad).all()


def test_too_small_a_picture_is_refused() -> None:
    with pytest.raises(ImageError, match="the pictures are 175×200; TMQI needs 176×176"):
        tmqi(torch.ones(3, 200, 175), torch.ones(3, 200, 175))


def test_smallest_picture_is_measured() -> None:
    picture = torch.rand(3, MINIMUM_SIZE, MINIMUM_SIZE, generator=torch.Generator().manual_seed(1))
    assert torch.isfinite(tmqi(picture, picture).q)


@pytest.mark.parametrize("top", [255.0, 1.01])
def test_values_outside_the_range_are_refused(top: float) -> None:
    sdr = torch.linspace(0, top, 200).expand(3, 200, 200)
    with pytest.raises(ImageError, match=r"expected encoded values 0\.\.1 or 8-bit codes"):
        tmqi(sdr, torch.ones(3, 200, 200))
