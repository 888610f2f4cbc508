import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

from relume.errors import ImageError, MethodError
from relume.metrics import cvvdp
from relume.metrics.cvvdp import load

PICTURE = torch.full((3, 32, 32), 50.0)


@pytest.mark.parametrize("pair", ["A_clip95", "B_colour", "C_noise", "D_banding", "E_highlight"])
def test_equals_the_package_at_its_own_settings(values: dict, pair_of: Callable, pair: str) -> None:
    try:
        load()
    except MethodError as error:
        pytest.skip(str(error))
    prediction, reference = pair_of(pair)
    for ppd in (30, 60):
        expected = values["colorvideovdp"][pair][f"cvvdp_ppd{ppd}_peak4000_linear709_dark"]
        found = float(cvvdp(prediction, reference, pixels_per_degree=ppd, peak=4000.0))
        assert found == pytest.approx(expected, abs=1e-4)


def _package(folder: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of that name and content, first on the path."""
    (folder / "pycvvdp.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "pycvvdp", raising=False)


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycvvdp", None)
    with pytest.raises(MethodError, match=r"not installed.*pip install 'relume\[cvvdp\]'"):
        cvvdp(PICTURE, PICTURE)


def test_missing_dependency_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _package(tmp_path, "import a_module_that_is_not_there", monkeypatch)
    with pytest.raises(MethodError, match="lacks the module 'a_module_that_is_not_there'"):
        cvvdp(PICTURE, PICTURE)


@pytest.mark.parametrize("kind", ["RuntimeError", "ImportError", "OSError"])
def test_torchvision_of_another_build_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """What happens beside the CPU build of torch."""
    _package(tmp_path, f"raise {kind}('operator torchvision::nms does not exist\\nmore')", monkeypatch)
    with pytest.raises(MethodError) as caught:
        cvvdp(PICTURE, PICTURE)
    message = str(caught.value)
    assert f"torch {torch.__version__}" in message
    assert "torchvision (none)" in message or "torchvision 0" in message
    assert "(operator torchvision::nms does not exist)" in message
    assert "both for the CPU or both for the same CUDA" in message


def test_each_picture_is_handed_over_with_the_display(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in that returns the peak, the pixels per degree and the means it was given, as one number."""
    _package(
        tmp_path,
        "class vvdp_display_photo_eotf:\n"
        "    def __init__(self, peak, contrast, source_colorspace, E_ambient):\n"
        "        assert (source_colorspace, E_ambient, contrast) == ('BT.709-linear', 0, 1e6)\n"
        "        self.peak = peak\n"
        "class vvdp_display_geometry:\n"
        "    def __init__(self, resolution, ppd):\n"
        "        self.ppd = ppd\n"
        "class cvvdp:\n"
        "    def __init__(self, display_photometry, display_geometry, quiet):\n"
        "        self.sum = display_photometry.peak + display_geometry.ppd\n"
        "    def predict(self, test, reference, dim_order):\n"
        "        assert dim_order == 'CHW' and test.shape == (3, 32, 32)\n"
        "        return self.sum + test.mean() - 2 * reference.mean(), {}\n",
        monkeypatch,
    )
    batch = torch.stack((PICTURE, 2 * PICTURE)).double()
    found = cvvdp(batch, batch[:1].expand(2, -1, -1, -1), peak=500.0, pixels_per_degree=45.0)
    assert found.tolist() == [545.0 - 50.0, 545.0]


def test_import_of_the_metrics_leaves_the_package_alone() -> None:
    code = "import sys, relume.metrics; assert not {'pycvvdp', 'torchvision'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_load_returns_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _package(tmp_path, "answer = 42", monkeypatch)
    package = load()
    assert isinstance(package, ModuleType)
    assert package.answer == 42


def test_too_small_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(ImageError, match="the pictures are 1×4; ColorVideoVDP needs 2×2 pixels"):
        cvvdp(torch.full((3, 4, 1), 50.0), torch.full((3, 4, 1), 50.0))
