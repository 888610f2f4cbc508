import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.tonemap.durand2002 import Durand2002

EXACT = {"filter": "exact"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [
        (EXACT, "full_c5", "tmo_a"),
        (EXACT, "full_c5", "tmo_b"),
        (EXACT | {"contrast": 50.0}, "full_c50", "tmo_b"),
        ({}, "grid_c5", "tmo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, case, name, dtype, toolbox_input, toolbox_output):
    result = Durand2002(**parameters)(toolbox_input(name).to(dtype)).double()
    torch.testing.assert_close(result, toolbox_output("DurandTMO", f"{case}__{name}"), rtol=2e-5, atol=0.0)


def test_base_spans_the_contrast_and_detail_stays(generator):
    detail = 1.0 + 0.05 * torch.rand(60, 80, generator=generator, dtype=torch.float64)
    base = torch.where(torch.arange(80) < 40, 1.0, 1000.0).double()
    image = (base * detail).expand(1, 3, 60, 80)
    for way in ("grid", "exact"):
        light = luminance(Durand2002(contrast=7.0, filter=way)(image))[0, 0]
        dark, bright = light[:, :30], light[:, 50:]
        assert float(bright.mean() / dark.mean()) == pytest.approx(7.0, rel=0.05)
        found = torch.cat((dark / dark.mean(), bright / bright.mean()), dim=1)
        kept = torch.cat((detail[:, :30], detail[:, 50:]), dim=1) / detail.mean()
        assert float((found - kept).std()) < 0.4 * float(kept.std())


def test_less_contrast_than_wanted_is_not_stretched():
    image = torch.where(torch.arange(80) < 40, 1.0, 2.0).double().expand(1, 3, 60, 80)
    light = luminance(Durand2002(contrast=50.0)(image))[0, 0]
    assert float(light[30, 70] / light[30, 10]) == pytest.approx(2.0, rel=1e-3)
