"""The response that comes nearest to what was done to a picture."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from relume.camera import presets
from relume.camera.tone_mapping import ToneMapping, Variation
from relume.color.transfer import srgb
from relume.data.scenes import SyntheticScenes
from relume.operators.tonemap.reinhard2002 import Reinhard2002
from relume.response.curve import inverse_curve, lookup, sample_points
from relume.response.fitted import fitted_response


def ramp(top: float) -> Tensor:
    """Light from 0 to `top`, as a picture."""
    return torch.linspace(0.0, top, 3 * 64 * 64).view(1, 3, 64, 64)


@pytest.mark.parametrize("exponent", [1.0, 0.45, 1.4])
@pytest.mark.parametrize("unit", [1.0, 40.0])
def test_a_power_law_that_clips_is_found_in_its_unit(exponent: float, unit: float) -> None:
    light = ramp(1.5)
    white, response = fitted_response(light.clamp(max=1.0) ** exponent, unit * light)
    assert white.item() == pytest.approx(unit, rel=0.03)
    expected = sample_points().float() ** (1.0 / exponent)
    torch.testing.assert_close(inverse_curve(response)[0], expected, rtol=0.0, atol=0.03)


def test_what_tone_mapping_did_is_undone_better_than_by_the_standard_curve() -> None:
    generator = torch.Generator().manual_seed(3)
    scene = SyntheticScenes().draw(size=(96, 128), generator=generator)[None]
    mapping = ToneMapping(variations=(Variation(method=Reinhard2002()),))
    shot = replace(presets.find("itmn"), tone_mapping=mapping)(scene, generator=generator)
    white, response = fitted_response(shot.sdr, shot.sensor)
    kept = (shot.sdr > 0.05) & (shot.sdr < 0.94)

    def error(found: Tensor) -> Tensor:
        """In stops, exposure aside."""
        stops = (found / shot.sensor)[kept].log2()
        return (stops - stops.median()).abs().mean()

    fitted = error(white * lookup(shot.sdr, inverse_curve(response)))
    assert fitted < error(srgb.eotf(shot.sdr)) / 3.0


@pytest.mark.parametrize("code", [0.0, 0.5, 1.0])
def test_a_picture_of_one_code_still_gives_a_curve(code: float) -> None:
    picture = torch.full((2, 3, 16, 16), code)
    white, response = fitted_response(picture, picture)
    assert white.shape == (2,)
    assert response.isfinite().all()
    assert (response.diff(dim=1) >= 0).all()
    assert response[:, 0].tolist() == [0.0, 0.0]
    assert response[:, -1].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("lamp", [0.0, 4.0])
def test_white_and_black_alone_keep_their_light_in_bounds(lamp: float) -> None:
    """A clipped sky, or a lamp in the dark: no code tells of the curve, and nothing may become infinite."""
    light = torch.zeros(1, 3, 16, 16)
    light[..., 4:8, 4:8] = lamp
    white, response = fitted_response(light.clamp(max=1.0), light)
    assert white.item() == (lamp or 1.0)
    torch.testing.assert_close(response[0], sample_points().float())
