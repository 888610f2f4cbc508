import pytest
import torch

from relume.operators.tonemap.icam06 import ICAM06, _luminance_factor

OPTIONS = {"contrast": 0.65, "surround": "dim", "calibrated": True}


@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [
        ({"calibrated": False}, "full", "tmo_a"),
        ({"calibrated": False}, "full", "tmo_b"),
        (OPTIONS, "full_cal_p065_dim", "tmo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, case, name, toolbox_input, toolbox_output):
    """The white is resampled in another way at the borders: hence 5 %, and 0.2 % in the mean."""
    result = ICAM06(**parameters, variant="toolbox")(toolbox_input(name))
    difference = (result - toolbox_output("KuangTMO", f"{case}__{name}")).abs()
    assert float(difference.max()) < 0.05
    assert float(difference.mean()) < 0.003


def test_luminance_factor_is_that_of_ciecam02():
    """F_L of adapting luminances 318.31 and 20 cd/m², as in the worked examples of CIE 159."""
    found = _luminance_factor(torch.tensor([318.31, 31.83], dtype=torch.float64))
    assert found.tolist() == pytest.approx([1.17, 0.54], abs=0.01)


def test_unknown_luminance_takes_out_the_exposure(generator):
    image = torch.rand(1, 3, 40, 50, generator=generator, dtype=torch.float64).mul(8.0).exp2()
    method = ICAM06(calibrated=False)
    torch.testing.assert_close(method(image), method(10.0 * image), rtol=0.0, atol=1e-6)
    assert float((ICAM06()(image) - ICAM06()(100.0 * image)).abs().max()) > 0.01


def test_darker_surrounds_get_more_contrast(generator):
    image = torch.rand(1, 3, 40, 50, generator=generator, dtype=torch.float64).mul(8.0).exp2()
    average, dim, dark = (ICAM06(surround=name)(image).median() for name in ("average", "dim", "dark"))
    assert average > dim > dark


def test_details_are_stronger_in_bright_light():
    pattern = torch.ones(60, 80, dtype=torch.float64)
    pattern[::2, ::2] = pattern[1::2, 1::2] = 1.2
    contrasts = []
    for level in (1.0, 10_000.0):
        shown = ICAM06().measure((level * pattern).expand(1, 3, 60, 80))["shown"]
        inner = shown[0, 1, 20:40, 30:50]
        contrasts.append(float(inner.max() / inner.min()))
    assert contrasts[1] > contrasts[0] + 0.02
