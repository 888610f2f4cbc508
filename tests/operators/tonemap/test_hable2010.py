import pytest
import torch

from relume.operators.tonemap.hable2010 import Hable2010


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("constants", "curve"),
    [("blog", "hable_blog_W11.2_exposure2"), ("talk", "hable_gdc2010_W11.2_exposure2")],
)
def test_agrees_with_the_formula(constants, curve, dtype, curves):
    xs, ys = (torch.tensor(curves[curve][axis], dtype=torch.float64) for axis in ("xs", "ys"))
    result = Hable2010(constants=constants)(xs.to(dtype).expand(1, 3, 1, -1))[0, 1, 0].double()
    torch.testing.assert_close(result, ys, rtol=1e-6 if dtype == torch.float32 else 1e-12, atol=1e-15)


def test_white_becomes_white():
    assert float(Hable2010(white=5.0, bias=1.0)(torch.full((1, 3, 1, 1), 5.0)).mean()) == pytest.approx(1.0)


def test_exposure_is_in_stops(generator):
    image = torch.rand(1, 3, 4, 5, generator=generator)
    torch.testing.assert_close(Hable2010(exposure_stops=2.0)(image), Hable2010()(4.0 * image))
