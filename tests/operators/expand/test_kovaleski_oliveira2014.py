import pytest
import torch

from relume.operators.expand.kovaleski_oliveira2014 import KovaleskiOliveira2014

VIDEO = {"peak": 3000.0, "black_level": 0.1 / 4, "threshold": 230 / 255, "sigma_space": 16.0}


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-5), (torch.float64, 2e-7)])
@pytest.mark.parametrize(
    ("parameters", "removed", "case", "name"),
    [
        ({"peak": 1200.0, "black_level": 0.3 / 4}, 2.2, "image_s150_03_1200_gr22", "eo_a"),
        ({"peak": 1200.0, "black_level": 0.3 / 4}, 2.2, "image_s150_03_1200_gr22", "eo_b"),
        (VIDEO | {"sigma_range": 25 / 255}, 1.0, "video_s16_01_3000_lin", "eo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, removed, case, name, dtype, rtol, toolbox_input, toolbox_output):
    image = toolbox_input(name).pow(removed).to(dtype)
    result = KovaleskiOliveira2014(**parameters)(image).double()
    expected = toolbox_output("KovaleskiOliveiraEO", f"{case}__{name}")
    torch.testing.assert_close(result, expected, rtol=rtol, atol=0.0)


def _two_fields() -> torch.Tensor:
    """White that is clipped and white that is not quite, each with grey beside it."""
    image = torch.full((1, 3, 40, 120), 0.2, dtype=torch.float64)
    image[..., 10:30, 10:40] = 1.0
    image[..., 10:30, 80:110] = 0.95
    return image


def test_clipped_white_gets_four_times_the_light_and_its_neighbours_none():
    result = KovaleskiOliveira2014(peak=1000.0, black_level=0.0, sigma_space=10.0)(_two_fields())[0, 0]
    assert float(result[20, 25]) == pytest.approx(1000.0, rel=1e-6)
    assert float(result[20, 95]) == pytest.approx(0.95 * 250.0)
    assert float(result[20, 45]) == pytest.approx(0.2 * 250.0)


def test_a_lower_threshold_takes_the_other_field_too():
    result = KovaleskiOliveira2014(black_level=0.0, sigma_space=10.0, threshold=0.9)(_two_fields())[0, 0]
    assert float(result[20, 95]) == pytest.approx(0.95 * 1000.0, rel=1e-6)
