import pytest
import torch

from relume.color.encoding import PQ_BT2020
from relume.color.transfer import pq
from relume.image import Image
from relume.inference.runner import run
from relume.operators.tonemap.bt2390 import Bt2390

DISPLAYS = [
    ("bt2390_eetf_Lb0_Lw4000_Lmin0.01_Lmax600", 4000.0, 0.01, 600.0),
    ("bt2390_eetf_Lb0_Lw1000_Lmin0.05_Lmax203", 1000.0, 0.05, 203.0),
    ("bt2390_eetf_Lb0_Lw4000_Lmin0_Lmax1000", 4000.0, 0.0, 1000.0),
]
DOMAINS = ["luminance", "max_rgb", "rgb", "ictcp"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize(("curve", "source_peak", "black_level", "peak"), DISPLAYS)
def test_greys_agree_with_the_formula(curve, source_peak, black_level, peak, domain, dtype, curves):
    xs, ys = (torch.tensor(curves[curve][axis], dtype=torch.float64) for axis in ("xs", "ys"))
    method = Bt2390(source_peak=source_peak, black_level=black_level, peak=peak, domain=domain)
    result = method(xs.to(dtype).expand(1, 3, 1, -1))[0, 1, 0].double() * peak
    torch.testing.assert_close(result, ys, rtol=1e-4 if dtype == torch.float32 else 1e-9, atol=0.0)


@pytest.mark.parametrize("domain", DOMAINS)
def test_nothing_changes_on_a_display_that_shows_it_all(domain, generator):
    image = 100.0 * torch.rand(1, 3, 5, 6, generator=generator, dtype=torch.float64)
    result = Bt2390(peak=400.0, source_peak=300.0, domain=domain)(image) * 400.0
    torch.testing.assert_close(result, image, rtol=1e-6, atol=1e-6)


def test_auto_peak_is_the_largest_channel(generator):
    image = 900.0 * torch.rand(1, 3, 5, 6, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(Bt2390()(image), Bt2390(source_peak=float(image.max()))(image))


def test_ratios_stay_but_in_rgb():
    image = torch.tensor([900.0, 300.0, 100.0], dtype=torch.float64).view(1, 3, 1, 1)
    for domain in ("luminance", "max_rgb"):
        result = Bt2390(source_peak=1000.0, domain=domain)(image)
        torch.testing.assert_close(result / result[:, :1], image / image[:, :1])
    result = Bt2390(source_peak=1000.0, domain="rgb")(image)
    assert float(result[0, 2] / result[0, 0]) > 0.2


def test_takes_a_picture_in_pq():
    picture = Image(pq.inverse_eotf(torch.full((3, 2, 2), 50.0)), PQ_BT2020)
    result = run(Bt2390(source_peak=60.0), picture).pixels
    torch.testing.assert_close(result, torch.full_like(result, 0.5), rtol=1e-4, atol=0.0)
