"""What every row of the table of metrics promises: `relume.metrics.METRICS`, whatever is in it."""

import math
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

import relume.metrics
from relume.errors import ImageError, MethodError, RelumeError
from relume.metrics import METRICS, Direction, Metric, Operands, Viewing
from relume.metrics.cvvdp import load

VIEWING = Viewing()
SMALLEST_SIDE = 48
NOISE = (0.05, 0.2, 0.8)
"""Standard deviation of log2 of each component, from slight to severe."""

NOISE_IS_NATURAL = "tmqi_naturalness"
"""Statistical naturalness knows no reference: it likes contrast, and noise is contrast."""

every_metric = pytest.mark.parametrize("name", METRICS)


@pytest.fixture
def metric(name: str) -> Metric:
    if name == "cvvdp":
        try:
            load()
        except MethodError as error:
            pytest.skip(str(error))
    return METRICS[name]


def scene(generator: torch.Generator, size: tuple[int, int], *, frames: int = 1) -> Tensor:
    """Light of 0.1 to 1000 cd/m² or so, with large and small features in all colours."""
    coarse = torch.randn(frames, 3, 9, 11, generator=generator, dtype=torch.float64)
    smooth = torch.nn.functional.interpolate(coarse, size=size, mode="bicubic")
    texture = torch.randn(frames, 1, *size, generator=generator, dtype=torch.float64)
    return (4.0 + 1.5 * smooth + 0.3 * texture).exp2() * 4.0


def size_of(metric: Metric) -> tuple[int, int]:
    side = max(metric.spec.minimum_size, SMALLEST_SIDE)
    return side, side + 8


def frames_of(metric: Metric) -> int:
    return 3 if metric.spec.operands is Operands.CLIP else 1


def noisy(light: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    return light * (deviation * torch.randn(light.shape, generator=generator, dtype=torch.float64)).exp2()


def tone_mapped(light: Tensor) -> Tensor:
    return (light / (light + 100.0)).pow(1.0 / 2.2)


def prediction_of(metric: Metric, light: Tensor) -> Tensor:
    """What the metric takes as a prediction of that light."""
    return tone_mapped(light) if metric.spec.operands is Operands.TONE_MAPPING else light


def score(metric: Metric, prediction: object, reference: object) -> Tensor:
    alone = metric.spec.operands is Operands.HDR_ALONE
    return metric.score(prediction, None if alone else reference, VIEWING)  # type: ignore[arg-type]


def operands_of(metric: Metric, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A slightly wrong prediction and the reference, as batch of one picture or as a clip."""
    light = scene(generator, size_of(metric), frames=frames_of(metric))
    return prediction_of(metric, noisy(light, 0.1, generator)), light


@every_metric
def test_the_row_is_complete(name: str) -> None:
    metric, spec = METRICS[name], METRICS[name].spec
    keys = (Path(__file__).resolve().parents[2] / "docs" / "references.bib").read_text(encoding="utf-8")
    assert spec.name == name
    assert spec.title
    assert spec.domain
    assert spec.version
    assert f"{{{spec.citation}," in keys
    assert set(spec.uses) <= set(Viewing.__dataclass_fields__)
    assert spec.lowest is None or spec.highest is None or spec.lowest < spec.highest
    described = metric.described(VIEWING, alignment="tone curve")
    assert described.startswith(f"{name} ({spec.version})")
    assert described.endswith("alignment: tone curve")
    assert ("1000 cd/m²" in described) == spec.absolute


@every_metric
def test_a_function_of_that_name_can_be_called(name: str) -> None:
    plain = re.sub(r"^(tmqi|hdr_vdp\d)_\w+$", r"\1", name)
    assert callable(getattr(relume.metrics, plain))


@every_metric
def test_identical_pictures(metric: Metric, generator: torch.Generator) -> None:
    if metric.spec.identical is None:
        pytest.skip("the value depends on the pictures")
    _, light = operands_of(metric, generator)
    found = score(metric, light, light)
    if math.isinf(metric.spec.identical):
        assert (found == metric.spec.identical).all()
    else:
        torch.testing.assert_close(
            found, torch.full_like(found, metric.spec.identical), rtol=0, atol=1e-9, check_dtype=False
        )


@every_metric
def test_more_noise_is_not_better(metric: Metric, name: str, generator: torch.Generator) -> None:
    if name == NOISE_IS_NATURAL:
        pytest.skip("noise may make a picture look more natural")
    light = scene(generator, size_of(metric), frames=frames_of(metric))
    seeds = [torch.Generator().manual_seed(3) for _ in NOISE]
    values = [
        float(score(metric, prediction_of(metric, noisy(light, deviation, seed)), light))
        for deviation, seed in zip(NOISE, seeds, strict=True)
    ]
    better = values if metric.spec.direction is Direction.LOWER else [-value for value in values]
    assert better == sorted(better)
    assert better[0] < better[-1]


@every_metric
def test_values_lie_in_the_range(metric: Metric, generator: torch.Generator) -> None:
    _, light = operands_of(metric, generator)
    inverse = light.amax() * light.amin() / light
    flat = torch.full_like(light, 20.0)
    for other in (inverse, flat, noisy(light, 2.0, generator), light.flip(-1)):
        found = score(metric, prediction_of(metric, other), light)
        assert not found.isnan().any()
        if metric.spec.lowest is not None:
            assert (found >= metric.spec.lowest - 1e-9).all()
        if metric.spec.highest is not None:
            assert (found <= metric.spec.highest + 1e-9).all()


@every_metric
def test_batch_equals_one_by_one(metric: Metric, generator: torch.Generator) -> None:
    light = scene(generator, size_of(metric), frames=4)
    prediction = prediction_of(metric, noisy(light, 0.3, generator))
    together = score(metric, prediction, light)
    if metric.spec.operands is Operands.CLIP:
        assert together.shape == ()
        return
    assert together.shape == (4,)
    alone = torch.stack([score(metric, *pair) for pair in zip(prediction, light, strict=True)])
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-9)
    shaped = score(metric, prediction.unflatten(0, (2, 2)), light.unflatten(0, (2, 2)))
    torch.testing.assert_close(shaped, together.view(2, 2), rtol=1e-9, atol=1e-9)


@every_metric
def test_arrays_equal_tensors(metric: Metric, generator: torch.Generator) -> None:
    prediction, light = operands_of(metric, generator)
    if metric.spec.operands is Operands.CLIP:
        pytest.skip("a clip is a tensor")
    arrays = [picture[0].permute(1, 2, 0).numpy() for picture in (prediction, light)]
    found = score(metric, *arrays)
    assert found.shape == ()
    torch.testing.assert_close(found, score(metric, prediction[0], light[0]), rtol=1e-9, atol=1e-9)


@every_metric
def test_float32_is_near_float64(metric: Metric, generator: torch.Generator) -> None:
    prediction, light = operands_of(metric, generator)
    double, single = score(metric, prediction, light), score(metric, prediction.float(), light.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=1e-3, atol=1e-3)


@every_metric
def test_gradients_are_finite(metric: Metric, generator: torch.Generator) -> None:
    if not metric.spec.differentiable:
        pytest.skip("not differentiable")
    prediction, light = operands_of(metric, generator)
    # Places without an error and places without light have slopes, too.
    prediction[..., :16, :] = prediction_of(metric, light)[..., :16, :]
    prediction[..., 16:20, :] = 0.0
    prediction.requires_grad_()
    score(metric, prediction, light).sum().backward()
    assert prediction.grad is not None
    assert torch.isfinite(prediction.grad).all()
    assert prediction.grad.abs().max() > 0


@every_metric
def test_operands_stay_as_they_are(metric: Metric, generator: torch.Generator) -> None:
    prediction, light = operands_of(metric, generator)
    before = prediction.clone(), light.clone()
    score(metric, prediction, light)
    assert torch.equal(prediction, before[0])
    assert torch.equal(light, before[1])


def sentence(metric: Metric, prediction: object, reference: object) -> str:
    with pytest.raises(RelumeError) as caught:
        score(metric, prediction, reference)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


@every_metric
def test_sizes_that_differ_are_named(metric: Metric, generator: torch.Generator) -> None:
    if metric.spec.operands is Operands.HDR_ALONE:
        pytest.skip("there is one picture")
    prediction, light = operands_of(metric, generator)
    message = sentence(metric, prediction[..., :-1], light)
    height, width = size_of(metric)
    assert f"{height}, {width - 1}" in message
    assert f"{height}, {width}" in message


@every_metric
def test_nan_is_named(metric: Metric, generator: torch.Generator) -> None:
    prediction, light = operands_of(metric, generator)
    prediction[..., 5, 5] = torch.nan
    assert "NaN" in sentence(metric, prediction, light)


@every_metric
def test_codes_are_no_light(metric: Metric, generator: torch.Generator) -> None:
    """SDR data given to an HDR metric."""
    prediction, light = operands_of(metric, generator)
    codes = (255.0 * tone_mapped(light)).byte()
    if metric.spec.operands is Operands.HDR_ALONE:
        message = sentence(metric, codes, None)
    else:
        message = sentence(metric, prediction, codes)
    assert "decode it first" in message


@every_metric
def test_relative_light_is_named(metric: Metric, generator: torch.Generator) -> None:
    """Pictures of 0..1 given to a metric that needs cd/m²; the others do not care."""
    prediction, light = operands_of(metric, generator)
    if not metric.spec.absolute:
        reference = light / light.max()
        same = metric.spec.operands is Operands.TONE_MAPPING
        score(metric, prediction if same else prediction / light.max(), reference)
        return
    message = sentence(metric, prediction / prediction.max(), light / light.max())
    assert "cd/m²" in message
    assert "multiply" in message


@every_metric
def test_a_missing_reference_is_named(metric: Metric, generator: torch.Generator) -> None:
    prediction, _ = operands_of(metric, generator)
    if metric.spec.operands is Operands.HDR_ALONE:
        assert metric.score(prediction, None, VIEWING).shape == (1,)
        return
    assert "no reference" in sentence(metric, prediction, None)


@every_metric
def test_the_smallest_size_is_that_of_the_row(metric: Metric, generator: torch.Generator) -> None:
    least = metric.spec.minimum_size
    light = scene(generator, (least, least + 3), frames=frames_of(metric))
    prediction = prediction_of(metric, noisy(light, 0.3, generator))
    assert not score(metric, prediction, light).isnan().any()
    if least > 2:
        with pytest.raises(ImageError, match=str(least)):
            score(metric, prediction[..., 1:, :], light[..., 1:, :])
