import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from relume.errors import MethodError
from relume.evaluation.protocols import (
    PROTOCOLS,
    best_gain,
    find,
    normalise_percentiles,
    stretch_extremes,
    stretch_percentiles,
)

PAIRS = (
    "A_clip95", "A_noise", "A_quant6", "B_blur", "B_colour", "B_gamma", "B_identical", "C_contrast",
    "C_noise", "D_banding", "D_noise", "E_exposure", "E_highlight",
)  # fmt: skip


def pair(shared: Path, name: str) -> tuple[Tensor, Tensor]:
    folder = shared / "conformance" / "metrics" / "pairs"
    test = f"ref_{name[0]}.npy" if name.endswith("identical") else f"test_{name}.npy"
    return tuple(
        torch.from_numpy(np.load(folder / file).astype(np.float64)).permute(2, 0, 1)
        for file in (test, f"ref_{name[0]}.npy")
    )


@pytest.fixture
def scene(generator: torch.Generator) -> Tensor:
    return (3.0 * torch.randn(3, 20, 30, generator=generator, dtype=torch.float64)).exp()


@pytest.mark.parametrize("name", PAIRS)
def test_percentile_normalisation_equals_the_script_of_the_authors(shared: Path, name: str) -> None:
    expected = json.loads((shared / "conformance/metrics/reference.json").read_text())["protocols"][name]
    test, reference = (normalise_percentiles(picture) for picture in pair(shared, name))
    assert float(test.mean()) == pytest.approx(expected["norm_test_mean"], rel=1e-12)
    assert float(test.max()) == pytest.approx(expected["norm_test_max"], rel=1e-12)
    assert float(reference.mean()) == pytest.approx(expected["norm_ref_mean"], rel=1e-12)


def test_percentiles_go_where_they_are_wanted(scene: Tensor) -> None:
    stretched = stretch_percentiles(scene, 1.0, 999.0).numpy()
    assert np.quantile(stretched, 0.999) == pytest.approx(999.0)
    # The lowest values would become negative, were they not cut; the percentile itself stays.
    assert np.quantile(stretched, 0.001) == pytest.approx(1.0)
    assert stretched.min() >= 0


def test_extremes_go_where_they_are_wanted(scene: Tensor) -> None:
    stretched = stretch_extremes(scene, 2.0, 500.0)
    assert float(stretched.min()) == pytest.approx(2.0, abs=1e-6)
    assert float(stretched.max()) == pytest.approx(500.0, abs=1e-6)


def test_gain_is_found_through_highlights_and_wrong_areas(scene: Tensor) -> None:
    prediction = scene / 3.0
    prediction[:, :6] *= 100.0
    assert best_gain(prediction.clamp(max=200.0), scene, peak=1000.0) == pytest.approx(3.0)


def test_gain_of_black_is_one(scene: Tensor) -> None:
    assert best_gain(torch.zeros_like(scene), scene, peak=1000.0) == 1.0


@pytest.mark.parametrize("name", ["gain", "scene-range"])
def test_exposure_does_not_matter_where_it_is_aligned(scene: Tensor, name: str) -> None:
    protocol = find(name)
    for factor in (0.1, 1.0, 10.0):
        aligned, reference = protocol.align(factor * scene, scene, 1000.0)
        torch.testing.assert_close(aligned, scene.clamp(max=1000.0), rtol=1e-6, atol=1e-6)
        assert torch.equal(reference, scene.clamp(max=1000.0))


@pytest.mark.parametrize("name", [name for name, row in PROTOCOLS.items() if not row.absolute_reference])
def test_no_unit_matters_where_the_protocol_sets_the_scale(scene: Tensor, name: str) -> None:
    align = PROTOCOLS[name].align
    expected = align(scene, scene.square(), 1000.0)
    got = align(7.0 * scene, 0.2 * scene.square(), 1000.0)
    for left, right in zip(got, expected, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in PROTOCOLS if not name.startswith("percentile")])
def test_nothing_is_brighter_than_the_display(scene: Tensor, name: str) -> None:
    for picture in PROTOCOLS[name].align(4.0 * scene, scene, 700.0):
        assert float(picture.max()) <= 700.0 * (1 + 1e-6)
        assert float(picture.min()) >= 0.0


def test_light_stays_uncut_for_metrics_without_a_unit(scene: Tensor) -> None:
    for name in ("none", "gain", "scene-range"):
        _, reference = PROTOCOLS[name].align(2.0 * scene, scene, math.inf)
        assert torch.equal(reference, scene)


def test_an_unknown_protocol_is_told_with_those_that_exist() -> None:
    with pytest.raises(MethodError, match=r"no protocol 'crf'; relume has tone-curve, gain, none"):
        find("crf")


def test_a_protocol_that_sets_the_light_says_so() -> None:
    assert find("gain").described() == "gain"
    assert find("percentile").described() == "percentile (1..999 cd/m², not cut)"


def test_what_protocols_cite_is_in_the_bibliography() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/references.bib").read_text(encoding="utf-8")
    assert all(f"{{{row.citation}," in text for row in PROTOCOLS.values() if row.citation)
