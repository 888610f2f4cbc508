"""The stages of vision that the versions of HDR-VDP share, against tables and arrays of the originals."""

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.interpolate import PchipInterpolator

from relume.metrics.visibility import glare, photoreceptor
from relume.metrics.visibility.csf import age_factor, sensitivity_table
from relume.metrics.visibility.fourier import fast_length, filter_mirrored, filter_surrounded, frequencies
from relume.metrics.visibility.gaussian import gaussian
from relume.metrics.visibility.masking import mutual_contrast, neighbouring_bands, signed_power
from relume.metrics.visibility.pyramid import SP0, SP3, Steerable
from relume.metrics.visibility.resize import resize_to
from relume.metrics.visibility.spectra import AGES, RESPONSES_2, lens_density, responses
from relume.metrics.visibility.tables import look_up

# The package gives the functions of the same names.
hdr_vdp2 = import_module("relume.metrics.hdr_vdp2")
hdr_vdp3 = import_module("relume.metrics.hdr_vdp3")


@pytest.fixture(scope="module")
def conformance(shared: Path) -> Path:
    return shared / "conformance" / "metrics"


@pytest.fixture(scope="module")
def tables(conformance: Path) -> dict:
    return json.loads((conformance / "reference.json").read_text())["function_tables"]


@pytest.fixture
def picture(generator: torch.Generator) -> torch.Tensor:
    return torch.rand(2, 3, 25, 34, generator=generator, dtype=torch.float64)


def _stage(conformance: Path, name: str) -> dict[str, torch.Tensor]:
    with np.load(conformance / "stages" / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(np.asarray(arrays[key], dtype=np.float64)) for key in arrays}


def test_mtf_equals_the_tables(tables: dict) -> None:
    table = tables["hdrvdp3_quality"]
    frequency = torch.tensor(table["rho"], dtype=torch.float64)
    np.testing.assert_allclose(glare.fitted_mtf(frequency), table["mtf"], rtol=1e-14)
    np.testing.assert_allclose(glare.cie_mtf(frequency, 24.0), table["otf_cie99_age24"], rtol=1e-13)
    np.testing.assert_allclose(glare.cie_mtf(frequency, 60.0), table["otf_cie99_age60"], rtol=1e-13)
    assert float(glare.cie_mtf(torch.zeros(1), 24.0)) == 1.0


@pytest.mark.parametrize("version", ["hdrvdp2", "hdrvdp3_quality"])
def test_contrast_sensitivity_equals_the_tables(tables: dict, version: str) -> None:
    table = tables[version]
    frequency = torch.tensor(table["rho"], dtype=torch.float64)
    for luminance, expected in zip(table["lum"], table["ncsf_lum_by_rho"], strict=True):
        light = torch.full_like(frequency, luminance)
        if version == "hdrvdp2":
            sensitivity = hdr_vdp2._SENSITIVITY.at(frequency, light)
        else:
            sensitivity = hdr_vdp3._sensitivity(frequency, light, "hdrvdp", 24.0)
        np.testing.assert_allclose(sensitivity, expected, rtol=1e-12)


def test_sensitivity_of_the_old_equals_the_table(tables: dict) -> None:
    table = tables["hdrvdp3_quality"]
    factor = age_factor(torch.tensor(table["rho"], dtype=torch.float64), 60.0)
    np.testing.assert_allclose(factor, table["aesl_age60"], rtol=1e-12)


@pytest.mark.parametrize("version", ["hdrvdp2", "hdrvdp3_quality"])
def test_receptors_equal_the_tables(tables: dict, version: str) -> None:
    table = tables[version]
    if version == "hdrvdp2":
        receptors = hdr_vdp2._Observer(encoding="luminance", pixels_per_degree=30.0).receptors
    else:
        receptors = hdr_vdp3._Observer(encoding="luminance", pixels_per_degree=30.0).receptors
    luminance = np.array(table["la"])
    joint = photoreceptor.joint_sensitivity(luminance, receptors)
    np.testing.assert_allclose(joint, table["joint_rod_cone_sens"], rtol=1e-12)
    rods = photoreceptor.rod_sensitivity(luminance, receptors)
    np.testing.assert_allclose(rods, table["rod_sens"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("version", ["v2_luminance", "v3_quality_luminance"])
def test_jnd_tables_equal_those_of_the_original(conformance: Path, version: str) -> None:
    stage = _stage(conformance, version)
    module = hdr_vdp2 if version.startswith("v2") else hdr_vdp3
    receptors = module._Observer(encoding="luminance", pixels_per_degree=30.0).receptors
    np.testing.assert_allclose(photoreceptor.cone_response(receptors), stage["jnd_cone"], rtol=1e-9)
    np.testing.assert_allclose(photoreceptor.rod_response(receptors), stage["jnd_rod"], rtol=1e-9)


def test_responses_equal_those_of_the_original(conformance: Path) -> None:
    columns = [0, 1, 3]
    for name, source in (("v3_quality_luminance", "d65"), ("v3_quality_rgb709", "led-lcd-srgb")):
        expected = _stage(conformance, name)["M_img_lmsr"].reshape(-1, 4)[:, columns]
        np.testing.assert_allclose(responses(source, 24.0), expected, rtol=1e-12)
    expected = _stage(conformance, "v2_rgb709")["M_img_lmsr"][:, columns]
    np.testing.assert_allclose(RESPONSES_2["ccfl-lcd"], expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["v3_quality_luminance", "v3_quality_rgb709"])
@pytest.mark.parametrize("age", [22.0, 33.0, 50.0, 67.0, 83.0])
def test_responses_between_the_tabulated_ages(conformance: Path, name: str, age: float) -> None:
    """Against the integrals of the emission that the original kept behind the lens of 24 years."""
    stage = _stage(conformance, name)
    wavelength, emission = stage["lambda"].numpy(), stage["IMG_E"].numpy().reshape(420, -1)
    component = [
        0.600, 0.510, 0.433, 0.377, 0.327, 0.295, 0.267, 0.233, 0.207, 0.187, 0.167, 0.147, 0.133, 0.120,
        0.107, 0.093, 0.080, 0.067, 0.053, 0.040, 0.033, 0.027, 0.020, 0.013, 0.007, 0.0,
    ]  # fmt: skip
    density = PchipInterpolator(np.arange(400, 651, 10), component)(wavelength.clip(400, 650))
    aged = emission * 10.0 ** (-(lens_density(age) - lens_density(24.0)) * density)[:, None]
    receptors = stage["LMSR_S"].numpy()
    matrix = np.trapezoid(aged[:, :, None] * receptors[:, None], wavelength, axis=0)[:, [0, 1, 3]]
    source = "d65" if emission.shape[1] == 1 else "led-lcd-srgb"
    np.testing.assert_allclose(responses(source, age), matrix / matrix[:, :2].sum(), rtol=3e-6)


def test_tabulated_ages_are_taken_as_they_are() -> None:
    for age in AGES:
        assert np.array(responses("d65", age))[:, :2].sum() == pytest.approx(1.0, abs=1e-14)
    assert responses("d65", 90.0)[0][2] < responses("d65", 20.0)[0][2]


def test_early_vision_equals_the_original(conformance: Path) -> None:
    """Responses of the receptors, adaptation and bands of the pair C_noise, stored in float32."""
    stage = _stage(conformance, "v3_quality_luminance")
    weights = torch.tensor([0.2126, 0.7152, 0.0722], dtype=torch.float64)
    light = [
        torch.from_numpy(np.load(conformance / "pairs" / f"{name}.npy")).double() @ weights
        for name in ("test_C_noise", "ref_C")
    ]
    observer = hdr_vdp3._Observer(encoding="luminance", pixels_per_degree=30.0)
    retina = hdr_vdp3._on_retina(light[0][None, None], None, observer)
    torch.testing.assert_close(retina[0, 0], stage["L_O_tes"], rtol=1e-6, atol=1e-6)
    stimulus = photoreceptor.absorbed(retina, responses("d65", 24.0))
    adaptation = hdr_vdp3._adaptation(stimulus, observer)
    torch.testing.assert_close(adaptation[0, 0], stage["L_adapt_tes"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(hdr_vdp3._pupil(adaptation, observer), stage["lum_reduction_tes"], rtol=1e-9)
    seen = hdr_vdp3._look(light[0][None], light[1][None], observer)
    assert len(seen.prediction) == 5
    for index, band in enumerate(seen.prediction):
        expected = stage[f"band_tes_b{index + 1}_o1"]
        torch.testing.assert_close(band[0, 0], expected, rtol=1e-5, atol=2e-5)
    torch.testing.assert_close(seen.log_luminance[0, 0], stage["log_La"], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("size", [(11, 14), (12, 15), (1, 7)])
def test_mirrored_filter_equals_that_of_the_mirrored_picture(
    generator: torch.Generator, size: tuple[int, int]
) -> None:
    picture = torch.rand(2, 3, *size, generator=generator, dtype=torch.float64)

    def transfer(frequency: torch.Tensor) -> torch.Tensor:
        return glare.fitted_mtf(30.0 * frequency)

    doubled = torch.cat([picture, picture.flip(-2)], dim=-2)
    doubled = torch.cat([doubled, doubled.flip(-1)], dim=-1)
    response = transfer(frequencies(2 * size[0], 2 * size[1], picture))
    expected = torch.fft.irfft2(torch.fft.rfft2(doubled) * response, s=doubled.shape[-2:])
    filtered = filter_mirrored(picture, transfer)
    torch.testing.assert_close(filtered, expected[..., : size[0], : size[1]], rtol=0, atol=1e-14)


def test_surround_of_the_same_light_changes_nothing(picture: torch.Tensor) -> None:
    flat = torch.full_like(picture, 7.0)
    filtered = filter_surrounded(flat, glare.fitted_mtf, torch.full((2, 3), 7.0, dtype=torch.float64))
    torch.testing.assert_close(filtered, flat, rtol=1e-12, atol=0)


def test_dark_surround_takes_light_from_the_border(picture: torch.Tensor) -> None:
    flat = torch.full_like(picture, 7.0)
    dark = filter_surrounded(
        flat, lambda f: glare.fitted_mtf(30.0 * f), torch.zeros(1, 1, dtype=torch.float64)
    )
    assert float(dark[0, 0, 0, 0]) < float(dark[0, 0, 12, 17]) < 7.0


@pytest.mark.parametrize("sigma", [1.3, 6.0])
@pytest.mark.parametrize("repeat", [True, False])
def test_gaussian_equals_the_convolution(picture: torch.Tensor, sigma: float, repeat: bool) -> None:
    """Far from the border, where the wide blur takes the far side, both blurs are the same."""
    blurred = gaussian(picture, sigma, repeat=repeat)
    assert blurred.shape == picture.shape
    impulse = torch.zeros(1, 1, 101, 101, dtype=torch.float64)
    impulse[..., 50, 50] = 1.0
    distance = torch.arange(-50, 51, dtype=torch.float64)
    weights = torch.exp(-0.5 * (distance / sigma) ** 2)
    expected = torch.outer(weights, weights) / weights.sum() ** 2
    torch.testing.assert_close(gaussian(impulse, sigma, repeat=repeat)[0, 0], expected, rtol=0, atol=3e-3)
    constant = gaussian(torch.ones_like(picture), sigma, repeat=repeat)
    assert float(constant[0, 0, 0, 0]) == pytest.approx(1.0, abs=1e-9) if repeat else constant.amin() < 0.5


def test_resize_of_the_same_size_is_the_same(picture: torch.Tensor) -> None:
    assert resize_to(picture, picture) is picture


def test_resize_worked_by_hand() -> None:
    """When halving, old pixel 16 lies 1/4 new pixels from the centre of 8, 3/4 from that of 7, and so on."""
    line = torch.zeros(1, 1, 1, 32, dtype=torch.float64)
    line[..., 16] = 1.0
    half = resize_to(line, torch.empty(1, 1, 1, 16))[0, 0, 0]
    kernel = {8: 0.8671875, 7: 0.2265625, 9: -0.0703125, 6: -0.0234375}
    for place, value in kernel.items():
        assert float(half[place]) == pytest.approx(value / 2.0, rel=1e-14)
    assert float(half.sum()) == pytest.approx(0.5)


@pytest.mark.parametrize("size", [(13, 17), (50, 68), (7, 90), (1, 1)])
def test_resize_keeps_constants(size: tuple[int, int]) -> None:
    like = torch.empty(1, 1, *size)
    flat = torch.full((1, 1, 25, 34), 3.0, dtype=torch.float64)
    torch.testing.assert_close(resize_to(flat, like), flat.new_full((1, 1, *size), 3.0))


@pytest.mark.parametrize("size", [(130, 200), (64, 129)])
def test_resize_in_blocks_is_the_same_from_either_side(
    generator: torch.Generator, size: tuple[int, int]
) -> None:
    """The blocks of the turned picture end elsewhere."""
    picture = torch.rand(1, 1, 260, 258, generator=generator, dtype=torch.float64)
    turned = resize_to(picture.flip(-1, -2), torch.empty(1, 1, *size)).flip(-1, -2)
    torch.testing.assert_close(resize_to(picture, torch.empty(1, 1, *size)), turned)


def _correlated(picture: torch.Tensor, taps: np.ndarray) -> torch.Tensor:
    radius = len(taps) // 2
    padded = torch.nn.functional.pad(picture, (radius,) * 4, mode="reflect")
    return torch.nn.functional.conv2d(padded, torch.tensor(taps.copy())[None, None])


@pytest.mark.parametrize("pyramid", [SP0, SP3], ids=["sp0", "sp3"])
def test_pyramid_correlates_and_halves(generator: torch.Generator, pyramid: Steerable) -> None:
    picture = torch.rand(1, 1, 41, 46, generator=generator, dtype=torch.float64)
    bands = pyramid.analyse(picture, 2)
    low = _correlated(picture, pyramid.low_first)
    torch.testing.assert_close(bands[0], _correlated(picture, pyramid.high), rtol=0, atol=1e-13)
    for level in (1, 2):
        oriented = torch.cat([_correlated(low, taps) for taps in pyramid.bands], dim=1)
        torch.testing.assert_close(bands[level], oriented, rtol=0, atol=1e-13)
        low = _correlated(low, pyramid.low)[..., ::2, ::2]
    torch.testing.assert_close(bands[3], low, rtol=0, atol=1e-13)


@pytest.mark.parametrize("pyramid", [SP0, SP3], ids=["sp0", "sp3"])
def test_synthesis_gives_the_picture_back(generator: torch.Generator, pyramid: Steerable) -> None:
    """Far from the border, where filters that are odd cannot; by design within about half a percent."""
    picture = torch.rand(1, 1, 128, 125, generator=generator, dtype=torch.float64)
    error = pyramid.synthesise(pyramid.analyse(picture, 2)) - picture
    assert float(error[..., 40:-40, 40:-40].abs().max()) < 0.02


def test_height_counts_halvings() -> None:
    assert [SP3.height(size, 200) for size in (16, 17, 34, 69)] == [0, 1, 2, 3]
    assert [SP0.height(size, 200) for size in (12, 13, 26)] == [0, 1, 2]


def test_mutual_contrast_worked_by_hand() -> None:
    left = torch.zeros(1, 1, 4, 4)
    left[..., 0, 0] = -9.0
    right = torch.full((1, 1, 4, 4), 18.0)
    mutual = mutual_contrast(left, right)[0, 0]
    assert mutual[0, 0] == mutual[1, 1] == 1.0
    assert mutual[2, 2] == 0.0


def test_neighbours_of_the_ends() -> None:
    bands = [torch.full((1, count, 4, 4), float(value)) for value, count in ((1, 1), (2, 4), (3, 4), (5, 1))]
    assert (neighbouring_bands(bands, 0) == 2.0).all()
    assert (neighbouring_bands(bands, 1, scales=(10.0, 100.0)) == 310.0).all()
    assert (neighbouring_bands(bands, 2) == 2.0).all()
    assert (neighbouring_bands(bands, 3) == 3.0).all()


def test_signed_power_keeps_the_sign_and_its_gradient_is_finite() -> None:
    values = torch.tensor([-4.0, 0.0, 9.0], requires_grad=True)
    roots = signed_power(values, 0.5)
    torch.testing.assert_close(roots.detach(), torch.tensor([-2.0, 0.0, 3.0]))
    roots.sum().backward()
    torch.testing.assert_close(values.grad, torch.tensor([0.25, 0.0, 1.0 / 6.0]))


def test_look_up_is_linear_between_the_places_and_flat_outside() -> None:
    table = torch.tensor([0.0, 1.0, 4.0])
    places = torch.tensor([-9.0, -5.0, -2.5, 0.0, 2.5, 5.0, 9.0])
    assert look_up(table, places).tolist() == [0.0, 0.0, 0.5, 1.0, 2.5, 4.0, 4.0]


def test_sensitivity_table_lies_on_the_grid() -> None:
    table = sensitivity_table(2.0, lambda frequency, luminance: frequency + luminance.log10())
    assert table[0] == pytest.approx(-3.0)
    assert table[-1] == pytest.approx(7.0)


def test_fast_length_is_even_and_no_smaller() -> None:
    for length in (1, 13, 257, 1031):
        assert fast_length(length) >= length
        assert fast_length(length) % 2 == 0
