import pytest
import torch

from relume.color.luminance import BT2020_WEIGHTS, luminance
from relume.operators.tonemap import bt2446a, bt2446c
from relume.operators.tonemap.bt2446a import Bt2446a
from relume.operators.tonemap.bt2446c import Bt2446c, reduce_chroma


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_maps_greys_as_the_formula(dtype, curves):
    curve = curves["bt2446a_fwd_luma_Lhdr1000_Lsdr100"]
    luma, expected = (torch.tensor(curve[axis], dtype=torch.float64) for axis in ("xs", "ys"))
    image = (1000.0 * luma**2.4).to(dtype).expand(1, 3, 1, -1)
    result = Bt2446a()(image)[0, 0, 0].double()
    torch.testing.assert_close(result, expected, rtol=2e-6, atol=1e-12)


def test_a_colour_by_hand():
    """R'G'B' = (0.5, 0.3, 0.2): the difference signals scaled, luma lowered by a tenth of the red one."""
    encoded = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    luma = float((encoded * torch.tensor(BT2020_WEIGHTS, dtype=torch.float64)).sum())
    mapped = float(
        bt2446a.compress(torch.full((1, 1, 1, 1), luma, dtype=torch.float64), source_peak=1e3, peak=1e2)
    )
    factor = mapped / (1.1 * luma)
    blue, red = factor * (0.2 - luma) / 1.8814, factor * (0.5 - luma) / 1.4746
    lowered = mapped - 0.1 * red
    green = lowered - 0.16455 * blue - 0.57135 * red
    result = Bt2446a()((1000.0 * encoded**2.4).view(1, 3, 1, 1)).flatten().tolist()
    assert result == pytest.approx([lowered + 1.4746 * red, green, lowered + 1.8814 * blue], rel=1e-4)


def test_a_is_continuous_at_its_knees_within_the_printed_digits():
    luma = torch.linspace(0.0, 1.0, 20001, dtype=torch.float64).view(1, 1, 1, -1)
    steps = bt2446a.compress(luma, source_peak=1e3, peak=1e2).flatten().diff()
    assert float(steps.min()) > 0.0
    assert float(steps.max()) < 1e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("crosstalk", [0.0, 0.04, 0.33])
def test_c_maps_greys_as_the_formula(crosstalk, dtype, curves):
    xs, ys = (torch.tensor(curves["bt2446c_fwd_nits"][axis], dtype=torch.float64) for axis in ("xs", "ys"))
    result = Bt2446c(crosstalk=crosstalk)(xs.to(dtype).expand(1, 3, 1, -1)).double() * 100.0
    rtol = 2e-5 if dtype == torch.float32 else 1e-10
    torch.testing.assert_close(result, ys.expand(1, 3, 1, -1), rtol=rtol, atol=1e-12)


def test_c_constants_are_those_printed(curves):
    printed = curves["bt2446c_fwd_nits"]["constants"]
    assert printed["k2"] == pytest.approx(bt2446c.K2, abs=1e-5)
    assert printed["k4"] == pytest.approx(bt2446c.K4, abs=1e-4)
    assert printed["Y_HDR_ip"] == pytest.approx(bt2446c.KNEE, abs=1e-6)


def test_c_keeps_chromaticity_without_crosstalk(generator):
    image = 800.0 * torch.rand(1, 3, 4, 5, generator=generator, dtype=torch.float64)
    result = Bt2446c(crosstalk=0.0)(image)
    torch.testing.assert_close(result / result[:, :1], image / image[:, :1])
    light = luminance(image, weights=BT2020_WEIGHTS)
    shown = luminance(result, weights=BT2020_WEIGHTS) * 100.0
    torch.testing.assert_close(shown, bt2446c.compress(light), rtol=1e-4, atol=0.0)


def test_c_crosstalk_holds_saturated_colours_down():
    image = torch.tensor([100.0, 100.0, 900.0], dtype=torch.float64).view(1, 3, 1, 1)
    plain, mixed = (Bt2446c(crosstalk=a)(image).flatten() for a in (0.0, 0.2))
    torch.testing.assert_close(mixed / mixed[0], plain / plain[0])
    assert mixed[2] < 0.9 * plain[2]


def test_c_chroma_correction_begins_at_white_and_keeps_luminance():
    xyz = torch.tensor([[100.0, 150.0, 60.0], [700.0, 1000.0, 300.0]], dtype=torch.float64).T.reshape(
        1, 3, 1, 2
    )
    result = reduce_chroma(xyz, 1.0)
    torch.testing.assert_close(result[..., 0], xyz[..., 0])
    torch.testing.assert_close(result[:, 1], xyz[:, 1])
    white = torch.tensor([0.3127 / 0.3290, 1.0, 0.3583 / 0.3290], dtype=torch.float64) * 1000.0
    torch.testing.assert_close(result[0, :, 0, 1], white)
