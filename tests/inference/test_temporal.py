"""Clips: state is carried, begins anew, and steadies what it should."""

from dataclasses import replace

import pytest
import torch

from relume.catalog import METHODS
from relume.color.encoding import LINEAR_SCENE
from relume.errors import ImageError, MethodError
from relume.image import Image
from relume.inference.runner import RunSettings, run
from relume.inference.temporal import run_clip
from relume.method import Temporal
from relume.operators.tonemap.reinhard2002 import Reinhard2002

RECURRENT = [name for name, method in METHODS.items() if method.spec.temporal is Temporal.RECURRENT]
WALL = (slice(None), slice(0, 24), slice(0, 30))
"""Of the frames below: what never changes."""


def clip(generator: torch.Generator, *, frames: int = 12) -> list[Image]:
    """A wall of steady light beside a lamp of 64 times its light, which is on in every other frame."""
    wall = torch.rand(3, 24, 40, generator=generator).mul(3.0).exp2()
    lit = wall.clone()
    lit[:, :, 30:] *= 64.0
    return [Image((wall, lit)[number % 2], LINEAR_SCENE) for number in range(frames)]


def flicker(results: list[Image]) -> float:
    """How far the mean of the steady part moves from frame to frame, relative to it."""
    means = torch.stack([image.to(LINEAR_SCENE).pixels[WALL].mean() for image in results])
    return float((means.diff().abs() / means[:-1]).mean())


def test_the_operators_for_video_are_recurrent():
    assert {"ramsey2004", "kiser2012", "reinhard2002_coherent"} <= set(RECURRENT)


@pytest.mark.parametrize("name", RECURRENT)
def test_carried_state_steadies_what_is_steady(name, generator):
    method, frames = METHODS[name](), clip(generator)
    carried = flicker(list(run_clip(method, frames)))
    alone = flicker([run(method, frame) for frame in frames])
    assert alone > 0.5
    assert carried < 0.5 * alone


@pytest.mark.parametrize("name", RECURRENT)
def test_first_frame_is_that_of_the_still_method_and_every_clip_begins_anew(name, generator):
    method, frames = METHODS[name](), clip(generator, frames=3)
    first, second, _ = run_clip(method, frames)
    assert torch.equal(first.pixels, run(method, frames[0]).pixels)
    assert not torch.equal(second.pixels, run(method, frames[1]).pixels)
    (again,) = run_clip(method, frames[1:2])
    assert torch.equal(again.pixels, run(method, frames[1]).pixels)


@pytest.mark.parametrize("name", RECURRENT)
def test_tiles_of_a_frame_share_the_carried_statistics(name, generator, monkeypatch):
    method, frames = METHODS[name](), clip(generator, frames=3)
    *_, whole = run_clip(method, frames)
    monkeypatch.setattr("relume.inference.runner.tile_shape", lambda *_, **__: (7, 11))
    *_, tiled = run_clip(method, frames)
    assert torch.allclose(tiled.pixels, whole.pixels, rtol=0.0, atol=1e-6)


def test_frames_come_one_by_one(generator):
    """The second frame is not asked for before the first result was taken."""
    asked: list[int] = []

    def frames():
        for number, frame in enumerate(clip(generator)):
            asked.append(number)
            yield frame

    results = run_clip(METHODS["kiser2012"](), frames())
    next(results)
    assert asked == [0]


def test_still_method_gives_each_frame_what_it_gives_it_alone(generator):
    frames = clip(generator, frames=2)
    for frame, result in zip(frames, run_clip(Reinhard2002(), frames), strict=True):
        assert torch.equal(result.pixels, run(Reinhard2002(), frame).pixels)


def test_settings_white_and_output_are_those_of_run(generator):
    given = {"settings": RunSettings(precision="float64"), "reference_white": 100.0, "output": LINEAR_SCENE}
    (frame,) = clip(generator, frames=1)
    (result,) = run_clip(Reinhard2002(), [frame], **given)
    expected = run(Reinhard2002(), frame, **given)
    assert result.encoding == expected.encoding
    assert torch.equal(result.pixels, expected.pixels)


def test_frames_of_another_size_are_refused(generator):
    frames = clip(generator, frames=2)
    frames[1] = replace(frames[1], pixels=frames[1].pixels[..., :-1])
    with pytest.raises(ImageError, match=r"frame 1 of the clip is 39 × 24 pixels and the first 40 × 24"):
        list(run_clip(Reinhard2002(), frames))


def test_methods_of_several_frames_are_refused(generator, monkeypatch):
    monkeypatch.setattr(Reinhard2002, "spec", replace(Reinhard2002.spec, temporal=Temporal.WINDOW))
    with pytest.raises(MethodError, match="several frames at once"):
        run_clip(Reinhard2002(), [])
