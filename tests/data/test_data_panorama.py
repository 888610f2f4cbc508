import math

import pytest
import torch

from relume.data.panorama import perspective_view, random_views
from relume.errors import MethodError

AHEAD = {"yaw": 0.0, "pitch": 0.0, "roll": 0.0, "horizontal_field_of_view": 90.0}


def _directions(height: int, width: int) -> torch.Tensor:
    """Unit vectors (3, height, width) of panorama pixels: x right, y up, z ahead."""
    longitude = ((torch.arange(width).double() + 0.5) / width - 0.5) * 2 * math.pi
    latitude = (0.5 - (torch.arange(height).double() + 0.5) / height) * math.pi
    level = latitude.cos()[:, None]
    x, z = level * longitude.sin(), level * longitude.cos()
    return torch.stack([x, latitude.sin()[:, None].expand_as(x), z])


def _light(direction: torch.Tensor) -> torch.Tensor:
    """A smooth function of direction, different along each axis, always positive."""
    x, y, z = direction
    return torch.stack([2.0 + x + 0.3 * y * z, 2.0 + y - 0.4 * x * z, 3.0 + z * z + x * y])


def _camera_directions(
    size: tuple[int, int], field_of_view: float, yaw: float, pitch: float, roll: float
) -> torch.Tensor:
    """The same camera by hand: three turns of vectors written out with sines and cosines."""
    height, width = size
    focal_length = 0.5 * width / math.tan(math.radians(field_of_view) / 2)
    y, x = torch.meshgrid(
        0.5 * height - 0.5 - torch.arange(height).double(),
        torch.arange(width).double() + 0.5 - 0.5 * width,
        indexing="ij",
    )
    z = torch.full_like(x, focal_length)
    yaw, pitch, roll = math.radians(yaw), math.radians(pitch), math.radians(roll)
    x, y = x * math.cos(roll) + y * math.sin(roll), y * math.cos(roll) - x * math.sin(roll)
    y, z = y * math.cos(pitch) + z * math.sin(pitch), z * math.cos(pitch) - y * math.sin(pitch)
    x, z = x * math.cos(yaw) + z * math.sin(yaw), z * math.cos(yaw) - x * math.sin(yaw)
    return torch.stack([x, y, z]) / (x * x + y * y + z * z).sqrt()


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll", "field_of_view"),
    [
        (0, 0, 0, 90),
        (180, 0, 0, 60),
        (-100, 30, 10, 75),
        (45, 90, 0, 80),
        (10, -85, 30, 100),
        (200, 20, -7, 130),
    ],
)
@pytest.mark.parametrize("size", [(60, 81), (9, 12)])
def test_a_function_of_direction_is_reproduced(
    yaw: int, pitch: int, roll: int, field_of_view: int, size: tuple[int, int]
) -> None:
    panorama = _light(_directions(128, 256))
    view = perspective_view(
        panorama, yaw=yaw, pitch=pitch, roll=roll, horizontal_field_of_view=field_of_view, size=size
    )
    expected = _light(_camera_directions(size, field_of_view, yaw, pitch, roll))
    # Averages over a pixel of the small view differ from the value in its middle by the curvature.
    torch.testing.assert_close(view, expected, rtol=0, atol=2e-3 if size[0] == 60 else 3e-2)


def test_right_is_right_and_up_is_up() -> None:
    x, y, _ = _directions(64, 128)
    panorama = torch.stack([x, y, torch.zeros_like(x)])
    to_the_right = perspective_view(panorama, **{**AHEAD, "yaw": 40.0}, size=(8, 8))
    upwards = perspective_view(panorama, **{**AHEAD, "pitch": 40.0}, size=(8, 8))
    ahead = perspective_view(panorama, **AHEAD, size=(8, 8))
    assert to_the_right[0].mean() > 0.5
    assert upwards[1].mean() > 0.5
    assert (ahead[0].diff(dim=1) > 0).all()
    assert (ahead[1].diff(dim=0) < 0).all()


def test_a_camera_turned_clockwise_shows_the_horizon_turned_counter_clockwise() -> None:
    _, y, _ = _directions(64, 128)
    panorama = y.expand(3, -1, -1)
    view = perspective_view(panorama, **{**AHEAD, "roll": 20.0}, size=(32, 32))
    # The right half sees more of the ground… which means that the horizon rises to the right.
    assert view[0, :, :16].mean() > 0 > view[0, :, 16:].mean()


def test_nothing_shows_where_the_edges_meet(generator: torch.Generator) -> None:
    """The same panorama cut open elsewhere gives the same views."""
    panorama = torch.rand(3, 64, 128, generator=generator, dtype=torch.float64)
    turned = panorama.roll(64, dims=-1)
    across_the_seam = perspective_view(panorama, **{**AHEAD, "yaw": 180.0}, size=(48, 48))
    in_the_middle = perspective_view(turned, **AHEAD, size=(48, 48))
    torch.testing.assert_close(across_the_seam, in_the_middle, rtol=0, atol=1e-9)


@pytest.mark.parametrize("pitch", [-90.0, 90.0])
def test_beyond_a_pole_lies_the_other_side(pitch: float) -> None:
    """So few rows that the outermost are 11° from the pole, and a view of what lies within 5°."""
    x, _, z = _directions(8, 16)
    panorama = torch.stack([x, z, torch.zeros_like(x)])
    view = perspective_view(
        panorama, yaw=0.0, pitch=pitch, roll=0.0, horizontal_field_of_view=10.0, size=(9, 9)
    )
    expected = _camera_directions((9, 9), 10.0, 0.0, pitch, 0.0)
    torch.testing.assert_close(view[:2], expected[[0, 2]], rtol=0, atol=0.01)


@pytest.mark.parametrize("pitch", [-90.0, 0.0, 60.0])
def test_a_full_turn_changes_nothing(generator: torch.Generator, pitch: float) -> None:
    panorama = 1e4 * torch.rand(3, 64, 128, generator=generator).pow(8)
    yaw = torch.tensor([30.0, 390.0, -330.0], dtype=torch.float64)
    view = perspective_view(panorama, **{**AHEAD, "yaw": yaw, "pitch": pitch}, size=(20, 30))
    torch.testing.assert_close(view[0], view[1], rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(view[0], view[2], rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("row", [0, 3, 20, 32, 63])
@pytest.mark.parametrize("size", [(5, 7), (24, 32), (200, 200)])
def test_a_sun_of_one_pixel_neither_rings_nor_overflows(row: int, size: tuple[int, int]) -> None:
    panorama = torch.full((3, 64, 128), 0.1, dtype=torch.float64)
    panorama[:, row, 40] = 6e4
    pitch = torch.tensor([-60.0, 0.0, 60.0, 90.0])
    view = perspective_view(panorama, **{**AHEAD, "yaw": -67.0, "pitch": pitch}, size=size)
    assert torch.isfinite(view).all()
    assert view.min() >= 0.1 * (1 - 1e-14)
    assert view.max() <= 6e4 * (1 + 1e-14)


@pytest.mark.parametrize("latitude", [0.0, 50.0, 80.0])
def test_a_small_sun_keeps_its_light_wherever_it_falls(latitude: float) -> None:
    """Light × solid angle of a one-pixel sun in a coarse view, wherever in a pixel the sun falls."""
    height, width = 256, 512
    row = int((0.5 - latitude / 180.0) * height)
    panorama = torch.zeros(3, height, width, dtype=torch.float64)
    panorama[:, row, width // 2] = 1e4
    view = perspective_view(
        panorama,
        yaw=torch.linspace(-3.0, 3.0, 41, dtype=torch.float64),
        pitch=latitude,
        roll=0.0,
        horizontal_field_of_view=60.0,
        size=(15, 15),
    )
    energy = view.sum((-3, -2, -1))
    focal_length = 7.5 / math.tan(math.radians(30.0))
    solid_angle = (
        (2 * math.pi / width) * (math.pi / height) * math.cos((0.5 - (row + 0.5) / height) * math.pi)
    )
    torch.testing.assert_close(
        energy, torch.full_like(energy, 3e4 * solid_angle * focal_length**2), rtol=0.08, atol=0
    )


def test_random_light_stays_within_its_range(generator: torch.Generator) -> None:
    panorama = torch.rand(3, 64, 128, generator=generator)
    views = random_views(20, generator=generator, pitch=(-90.0, 90.0), roll=(-180.0, 180.0))
    pictures = perspective_view(panorama, **views._asdict(), size=(16, 24))
    assert pictures.shape == (20, 3, 16, 24)
    assert pictures.min() >= 0.0
    assert pictures.max() <= 1.0


def test_a_batch_is_its_views_one_by_one(generator: torch.Generator) -> None:
    panorama = torch.rand(3, 64, 128, generator=generator)
    views = random_views(3, generator=generator, horizontal_field_of_view=(60.0, 60.0))
    together = perspective_view(panorama, **views._asdict(), size=(16, 24))
    for index in range(3):
        angles = {name: angle[index] for name, angle in views._asdict().items()}
        torch.testing.assert_close(together[index], perspective_view(panorama, **angles, size=(16, 24)))


def test_half_precision_comes_back_as_single() -> None:
    view = perspective_view(torch.ones(3, 8, 16, dtype=torch.float16), **AHEAD, size=(4, 4))
    torch.testing.assert_close(view, torch.ones(3, 4, 4))


def test_the_same_generator_gives_the_same_views_in_range() -> None:
    first, second = (random_views(500, generator=torch.Generator().manual_seed(7)) for _ in range(2))
    for left, right in zip(first, second, strict=True):
        assert torch.equal(left, right)
    for angle, low, high in zip(first, (-180, -30, -5, 50), (180, 30, 5, 95), strict=True):
        assert low <= angle.min() < low + 0.1 * (high - low)
        assert high >= angle.max() > high - 0.1 * (high - low)


@pytest.mark.parametrize("field_of_view", [0.0, 180.0, -20.0, float("nan")])
def test_an_impossible_field_of_view_is_refused(field_of_view: float) -> None:
    with pytest.raises(MethodError, match="expected between 0 and 180"):
        perspective_view(
            torch.ones(3, 8, 16), **{**AHEAD, "horizontal_field_of_view": field_of_view}, size=(4, 4)
        )


def test_an_empty_view_is_refused() -> None:
    with pytest.raises(MethodError, match=r"size of the view is \(0, 4\)"):
        perspective_view(torch.ones(3, 8, 16), **AHEAD, size=(0, 4))
