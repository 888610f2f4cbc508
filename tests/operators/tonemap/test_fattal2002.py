import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.tonemap.fattal2002 import Fattal2002


@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [
        ({"beta": 0.95}, "default", "tmo_a"),
        ({"beta": 0.95}, "default", "tmo_b"),
        ({"beta": 0.85, "normalize": False}, "beta085_nonorm", "tmo_b"),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_agrees_with_the_toolbox(parameters, case, name, dtype, toolbox_input, toolbox_output):
    result = Fattal2002(**parameters, variant="toolbox")(toolbox_input(name).to(dtype)).double()
    torch.testing.assert_close(result, toolbox_output("FattalTMO", f"{case}__{name}"), rtol=2e-5, atol=0.0)


def test_beta_1_keeps_the_picture(generator):
    image = torch.randn(1, 3, 70, 80, generator=generator, dtype=torch.float64).exp()
    found, light = luminance(Fattal2002(beta=1.0, saturation=1.0)(image)), luminance(image)
    ratio = found / light
    torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio), rtol=1e-4, atol=0.0)


def test_compresses_large_gradients_more_than_small_ones():
    ramp = torch.cat((torch.linspace(0.0, 0.5, 64), torch.linspace(6.0, 6.5, 64))).double()
    image = ramp.exp().expand(1, 3, 96, 128)
    shown = luminance(Fattal2002(beta=0.8, saturation=1.0)(image)).log()[0, 0, 48]
    step = float(shown[64] - shown[63]) / 5.5
    slope = float(shown[40] - shown[20]) / float(ramp[40] - ramp[20])
    assert step < 0.7 * slope


@pytest.mark.parametrize("variant", ["paper", "toolbox"])
def test_white_is_where_it_is_said_to_be(variant, generator):
    image = torch.randn(1, 3, 70, 80, generator=generator).mul(2.0).exp()
    light = luminance(Fattal2002(variant=variant)(image)).flatten()
    above = int((light > 1.0 + 1e-5).sum())
    assert above <= (0.005 * light.numel() if variant == "paper" else 0)
    assert float(light.max()) > 0.99


def test_saturation_is_the_exponent_of_the_ratios():
    image = torch.ones(1, 3, 40, 40, dtype=torch.float64) * torch.tensor([4.0, 1.0, 0.5]).view(3, 1, 1)
    red, green, _ = Fattal2002(saturation=0.5)(image)[0, :, 20, 20]
    assert float(red / green) == pytest.approx(2.0)
