import pytest
import torch

from relume.operators.tonemap import lischinski2006
from relume.operators.tonemap.lischinski2006 import Lischinski2006


@pytest.mark.parametrize(
    ("key", "case"),
    [
        (None, "default__tmo_a"),
        (None, "default__tmo_b"),
        (0.5, "a050__tmo_a"),
        (0.5, "a050__tmo_b"),
    ],
)
def test_agrees_with_the_toolbox(key, case, toolbox_input, toolbox_output):
    image, expected = toolbox_input(case[-5:]), toolbox_output("LischinskiTMO", case)
    method = Lischinski2006(key=key, variant="toolbox")
    torch.testing.assert_close(method(image), expected, rtol=1e-5, atol=0.0)
    torch.testing.assert_close(method(image.float()).double(), expected, rtol=1e-3, atol=0.0)


def test_one_zone_gets_the_exposure_of_reinhards_curve():
    flat = torch.full((1, 3, 9, 11), 4.0, dtype=torch.float64)
    expected = torch.full_like(flat, 0.36 / 1.36)
    torch.testing.assert_close(Lischinski2006(key=0.36)(flat), expected, rtol=1e-5, atol=0.0)


def test_exposure_changes_at_edges_only():
    image = torch.ones(1, 3, 40, 60, dtype=torch.float64)
    image[..., 30:] = 500.0
    stops = Lischinski2006().measure(image)["gain"].log2()[0, 0, 20]
    step = float(stops[29] - stops[30])
    assert step > 2.0
    assert float(stops[:30].max() - stops[:30].min()) < 0.02 * step
    assert float(stops[30:].max() - stops[30:].min()) < 0.02 * step


def test_large_pictures_are_near_what_they_are_at_full_size(generator, monkeypatch):
    coarse = torch.rand(1, 1, 8, 10, generator=generator, dtype=torch.float64)
    fields = coarse.repeat_interleave(16, 2).repeat_interleave(16, 3)
    image = (10.0 ** (4.0 * fields)).expand(1, 3, 128, 160)
    whole = Lischinski2006().measure(image)["gain"].log2()
    monkeypatch.setattr(lischinski2006, "_LARGEST", 6000)
    reduced = Lischinski2006().measure(image)["gain"].log2()
    difference = (reduced - whole).abs()
    assert float(difference.mean()) < 0.02 * float(whole.max() - whole.min())
    assert float(difference.max()) < 0.2 * float(whole.max() - whole.min())
