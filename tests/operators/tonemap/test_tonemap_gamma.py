import pytest
import torch

from relume.color.encoding import LINEAR_SCENE, Encoding
from relume.image import Image
from relume.inference.runner import run
from relume.operators.tonemap.gamma import Gamma


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "case"), [({}, "default"), ({"gamma": 1.8, "exposure_stops": -8.0}, "g18_fm8")]
)
def test_agrees_with_the_toolbox(parameters, case, dtype, toolbox_input, toolbox_output):
    result = Gamma(**parameters)(toolbox_input("tmo_b").to(dtype)).double().clamp(max=1.0)
    torch.testing.assert_close(result, toolbox_output("GammaTMO", f"{case}__tmo_b"), rtol=2e-6, atol=0.0)


def test_automatic_exposure_does_not_care_about_the_unit(generator):
    image = torch.rand(1, 3, 8, 9, generator=generator, dtype=torch.float64)
    method = Gamma(automatic=True, gamma=1.0)
    torch.testing.assert_close(method(image), method(64.0 * image), rtol=1e-4, atol=0.0)
    grey = torch.full((1, 3, 4, 4), 7.0, dtype=torch.float64)
    torch.testing.assert_close(method(grey), torch.full_like(grey, 0.18), rtol=1e-6, atol=0.0)


@pytest.mark.parametrize(
    ("white", "given", "factor"), [(None, None, 1.0), (406.0, None, 2.0), (None, 101.5, 0.5)]
)
def test_white_is_where_the_picture_has_it(white, given, factor):
    """A relative picture has it at 1.0; one in cd/m² at 203 cd/m²."""
    picture = Image(torch.full((3, 2, 2), 0.1), Encoding(white=white))
    result = run(Gamma(), picture, reference_white=given, output=LINEAR_SCENE).pixels
    torch.testing.assert_close(result, torch.full_like(result, 0.1 * factor), rtol=1e-5, atol=0.0)
