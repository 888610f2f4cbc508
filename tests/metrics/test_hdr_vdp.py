"""HDR-VDP-2.2 and -3.0.7 against the values of the authors' programs, and what holds for both."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from relume.errors import ImageError, MethodError
from relume.metrics.hdr_vdp2 import HDR_VDP2, HdrVdp2, hdr_vdp2
from relume.metrics.hdr_vdp3 import HDR_VDP3, HDR_VDP3_JOD, HdrVdp3, hdr_vdp3
from relume.metrics.metric import Viewing

METRICS = (hdr_vdp2, hdr_vdp3)
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])

# The small pairs, for time; the odd-sized one stands for MATLAB's resizing.
PAIRS = ("A_noise", "B_colour", "B_identical", "C_noise", "D_banding")

OPTIONS = {"rgb_display": "display", "do_masking": "masking", "do_spatial_pooling": "spatial_pooling"}
# Of the displays whose spectra are approximated: largest departure of q.
APPROXIMATED = {"oled": 5e-6, "led-lcd-wcg": 1e-6, "ccfl-lcd": 2e-5, "crt": 5e-6}


@pytest.fixture(scope="module")
def conformance(shared: Path) -> Path:
    return shared / "conformance" / "metrics"


@pytest.fixture(scope="module")
def values(conformance: Path) -> dict:
    return json.loads((conformance / "reference.json").read_text())


def _pair(conformance: Path, record: dict) -> tuple[np.ndarray, np.ndarray]:
    name, encoding = record["pair"], record["encoding"]
    if "_vs_" in name:
        pictures = [np.load(conformance / "pairs" / f"{part}.npy") / 255.0 for part in name.split("_vs_")]
    else:
        files = (f"ref_{name[0]}" if name.endswith("identical") else f"test_{name}", f"ref_{name[0]}")
        pictures = [np.load(conformance / "pairs" / f"{file}.npy").astype(np.float64) for file in files]
    if encoding in ("luminance", "luma-display"):
        pictures = [picture @ LUMINANCE for picture in pictures]
    if encoding == "XYZ":
        pictures = [picture @ XYZ.T for picture in pictures]
    return pictures[0], pictures[1]


def _options(text: str) -> dict:
    options: dict = {}
    for name, value in (part.split("=") for part in text.split(";") if part):
        if name == "do_mtf":
            options["mtf"] = "none"
        elif name == "surround_l":
            options["surround"] = "mean" if value == "-1" else float(value)
        elif name != "ppd":
            known = {"true": True, "false": False}
            options[OPTIONS.get(name, name)] = known.get(value, value)
    return {
        name: float(value) if isinstance(value, str) and value.lstrip("-")[:1].isdigit() else value
        for name, value in options.items()
    }


def _measure(conformance: Path, record: dict) -> HdrVdp2 | HdrVdp3:
    prediction, reference = _pair(conformance, record)
    options = _options(record["options"])
    setting = {"encoding": record["encoding"], "pixels_per_degree": record["ppd"]}
    if "task" in record:
        return hdr_vdp3(prediction, reference, task=record["task"], **setting, **options)
    return hdr_vdp2(prediction, reference, **setting, **options)


def _assert_equal(result: HdrVdp2 | HdrVdp3, record: dict, tolerance: float = 1e-8) -> None:
    label = f"{record['pair']} {record['encoding']} {record['ppd']} {record['options']}"
    assert float(result.q) == pytest.approx(record["Q"], abs=tolerance), label
    assert float(result.p_det) == pytest.approx(record["P_det"], abs=tolerance), label
    assert float(result.c_max) == pytest.approx(record["C_max"], rel=10 * tolerance, abs=1e-12), label
    assert float(result.p_map.mean()) == pytest.approx(record["P_map_mean"], abs=tolerance), label
    assert float(result.c_map.mean()) == pytest.approx(record["C_map_mean"], rel=10 * tolerance, abs=1e-12)
    if isinstance(result, HdrVdp3):
        assert float(result.q_jod) == pytest.approx(record["Q_JOD"], abs=tolerance), label


def _records(values: dict, version: str, pair: str) -> list[dict]:
    """Those with default options; of the odd-sized pairs, the ones with MATLAB's resizing."""
    odd = values["odd_size_pairs_with_matlab_imresize"][version]
    records = odd if pair.startswith("D") else values[version]
    chosen = [record for record in records if record["pair"] == pair and not record["options"]]
    assert chosen
    return [record for record in chosen if record.get("task") != "side-by-side" and record["ppd"] in (30, 60)]


@pytest.mark.parametrize("pair", PAIRS)
def test_version_2_equals_the_original(conformance: Path, values: dict, pair: str) -> None:
    for record in _records(values, "hdrvdp2", pair):
        _assert_equal(_measure(conformance, record), record)


@pytest.mark.parametrize("pair", PAIRS)
def test_version_3_equals_the_original(conformance: Path, values: dict, pair: str) -> None:
    for record in _records(values, "hdrvdp3", pair):
        # The MATLAB values of the tasks other than quality were resized as in Octave in one place.
        tolerance = 5e-8 if pair.startswith("D") else 1e-8
        _assert_equal(_measure(conformance, record), record, tolerance)


@pytest.mark.parametrize("version", ["hdrvdp2", "hdrvdp3"])
def test_options_and_encodings_equal_the_original(conformance: Path, values: dict, version: str) -> None:
    common = ("luminance", "rgb-bt.709", "rgb-native")
    records = [
        record
        for record in values[version]
        if (record["options"] or record["encoding"] not in common) and not record["pair"].startswith("D")
    ]
    assert len(records) >= 13
    for record in records:
        if version == "hdrvdp3" and record["encoding"] == "XYZ":
            tolerance = 1e-4
        elif version == "hdrvdp3" and record["encoding"] == "rgb-bt.2020":
            tolerance = APPROXIMATED["oled"]
        elif version == "hdrvdp3" and "rgb_display" in record["options"]:
            tolerance = APPROXIMATED[record["options"].partition("=")[2]]
        else:
            tolerance = 1e-8
        _assert_equal(_measure(conformance, record), record, tolerance)


def _pictures(generator: torch.Generator, *shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    reference = 5.0 + 100.0 * torch.rand(*shape, generator=generator, dtype=torch.float64)
    noise = torch.rand(*shape, generator=generator, dtype=torch.float64)
    return reference * (0.9 + 0.2 * noise), reference


@pytest.mark.parametrize("metric", METRICS)
def test_identical_pictures_have_the_best_quality_and_a_finite_gradient(metric, generator) -> None:
    _, reference = _pictures(generator, 3, 32, 32)
    prediction = reference.clone().requires_grad_()
    result = metric(prediction, reference)
    assert float(result.q.detach()) == {hdr_vdp2: 100.0, hdr_vdp3: 10.0}[metric]
    assert float(result.c_max.detach()) == pytest.approx(0.0, abs=1e-12)
    (result.q + result.c_max).backward()
    assert torch.isfinite(prediction.grad).all()


@pytest.mark.parametrize("metric", METRICS)
def test_batch_is_measured_picture_by_picture(metric, generator) -> None:
    prediction, reference = _pictures(generator, 2, 2, 3, 24, 31)
    both = metric(prediction, reference, surround="mean")
    alone = metric(prediction[1, 0], reference[1, 0], surround="mean")
    for name, value in alone._asdict().items():
        assert getattr(both, name).shape == (2, 2, *value.shape)
        torch.testing.assert_close(getattr(both, name)[1, 0], value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("task", ["quality", "flicker", "detection"])
def test_float32_is_near_float64_and_keeps_its_type(generator: torch.Generator, task: str) -> None:
    prediction, reference = _pictures(generator, 3, 48, 48)
    double = hdr_vdp3(prediction, reference, task=task)
    single = hdr_vdp3(prediction.float(), reference.float(), task=task)
    assert single.q.dtype == single.p_map.dtype == torch.float32
    assert float(single.q) == pytest.approx(float(double.q), abs=1e-3)
    assert float(single.p_det) == pytest.approx(float(double.p_det), abs=1e-3)


@pytest.mark.parametrize("pair", ["B_colour", "C_noise"])
def test_version_2_is_exact_in_float32(conformance: Path, values: dict, pair: str) -> None:
    """B_colour has nearly the same luminance in both pictures, where the logarithm magnifies rounding."""
    record = _records(values, "hdrvdp2", pair)[0]
    pictures = [torch.tensor(array, dtype=torch.float64) for array in _pair(conformance, record)]
    light = [picture[None] if picture.ndim == 2 else picture.movedim(-1, 0) for picture in pictures]
    single = hdr_vdp2(light[0].float(), light[1].float(), encoding=record["encoding"])
    rounded = hdr_vdp2(light[0].float().double(), light[1].float().double(), encoding=record["encoding"])
    assert single.q.dtype == torch.float32
    assert float(single.q) == pytest.approx(float(rounded.q), abs=1e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_gradient_predicts_the_change_of_quality(metric, generator) -> None:
    prediction, reference = _pictures(generator, 3, 24, 24)
    direction = 1e-5 * torch.rand(prediction.shape, generator=generator, dtype=torch.float64)
    light = prediction.clone().requires_grad_()
    metric(light, reference).q.backward()
    assert torch.isfinite(light.grad).all()
    predicted = float((light.grad * direction).sum()) * 2.0
    change = metric(prediction + direction, reference).q - metric(prediction - direction, reference).q
    assert float(change) == pytest.approx(predicted, rel=2e-2)


@pytest.mark.parametrize("metric", METRICS)
def test_more_noise_is_worse(metric, generator) -> None:
    prediction, reference = _pictures(generator, 3, 32, 32)
    mild = metric(reference + 0.2 * (prediction - reference), reference)
    strong = metric(prediction, reference)
    assert float(strong.q) < float(mild.q)
    assert float(strong.c_max) > float(mild.c_max)


def test_rows_give_the_same_numbers_as_the_functions(generator: torch.Generator) -> None:
    prediction, reference = _pictures(generator, 2, 3, 24, 24)
    viewing = Viewing(pixels_per_degree=45.0)
    second = hdr_vdp2(prediction, reference, pixels_per_degree=45.0)
    third = hdr_vdp3(prediction, reference, pixels_per_degree=45.0)
    assert torch.equal(HDR_VDP2.score(prediction, reference, viewing), second.q)
    assert torch.equal(HDR_VDP3.score(prediction, reference, viewing), third.q)
    assert torch.equal(HDR_VDP3_JOD.score(prediction, reference, viewing), third.q_jod)


def test_the_older_eye_sees_less(generator: torch.Generator) -> None:
    prediction, reference = _pictures(generator, 3, 32, 32)
    quality = [float(hdr_vdp3(prediction, reference, age=age, mtf="cie").q) for age in (24, 50, 80)]
    assert quality == sorted(quality)


@pytest.mark.parametrize("metric", METRICS)
def test_relative_light_is_refused(metric) -> None:
    with pytest.raises(ImageError, match="multiply relative pictures by the luminance of the display"):
        metric(torch.rand(3, 32, 32), torch.rand(3, 32, 32))


@pytest.mark.parametrize("metric", METRICS)
def test_codes_outside_their_range_are_refused(metric) -> None:
    with pytest.raises(ImageError, match="divide 8-bit codes by 255"):
        metric(torch.full((3, 32, 32), 128.0), torch.rand(3, 32, 32), encoding="sRGB-display")


@pytest.mark.parametrize("metric", METRICS)
def test_small_pictures_are_refused(metric) -> None:
    with pytest.raises(ImageError, match=r"have 12 × 40 pixels; expected at least 1[37] × 1[37]"):
        metric(torch.full((3, 12, 40), 9.0), torch.full((3, 12, 40), 9.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "civdm"}, "no task 'civdm'"),
        ({"encoding": "rgb"}, "no encoding 'rgb'"),
        ({"display": "plasma"}, "no display 'plasma'"),
        ({"mtf": "lens"}, "no mtf 'lens'"),
        ({"age": 12.0}, "the age is 12 years; expected 20 to 90"),
        ({"surround": "black"}, "surround is 'black'"),
        ({"surround": 0.0}, "surround is 0.0"),
        ({"pixels_per_degree": 3.0}, "expected more than 4"),
        ({"encoding": "sRGB-display", "peak": 0.5}, "the peak is 0.5 cd/m²"),
    ],
)
def test_bad_options_of_version_3_are_named(options: dict, message: str) -> None:
    picture = torch.full((3, 32, 32), 0.5 if "peak" in options else 9.0)
    with pytest.raises(MethodError, match=message):
        hdr_vdp3(picture, picture, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "rgb-bt.2020"}, "no encoding 'rgb-bt.2020'"),
        ({"display": "oled"}, "no display 'oled'"),
        ({"mtf": "cie"}, "no mtf 'cie'"),
        ({"surround": "none"}, "surround is 'none'"),
        ({"pixels_per_degree": 0.0}, "expected a positive number"),
    ],
)
def test_bad_options_of_version_2_are_named(options: dict, message: str) -> None:
    picture = torch.full((3, 32, 32), 9.0)
    with pytest.raises(MethodError, match=message):
        hdr_vdp2(picture, picture, **options)
