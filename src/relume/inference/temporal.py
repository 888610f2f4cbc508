"""Clips: frames one after the other through a method that may carry state from each to the next."""

from collections.abc import Iterable, Iterator

from relume.color.encoding import Encoding
from relume.errors import ImageError, MethodError
from relume.image import Image
from relume.inference.runner import RunSettings, run
from relume.method import Method, Statistics, Temporal


def run_clip(
    method: Method,
    frames: Iterable[Image],
    *,
    settings: RunSettings | None = None,
    reference_white: float | None = None,
    output: Encoding | None = None,
) -> Iterator[Image]:
    """Run a method on the frames of a clip; each result comes as soon as its frame was taken.

    Convention:  of each result as for `relume.inference.runner.run`. The state lives as long as the
        iteration: every clip begins anew, and one frame is held at a time. A still method gives each frame
        what it gives the frame alone.

    Raises:
        MethodError: the method needs several frames at once.
        ImageError: a frame differs in size from the first. Others as `run`.
    """
    if method.spec.temporal is Temporal.WINDOW:
        raise MethodError(
            f"{method.spec.name} looks at several frames at once; run_clip takes methods that are still or "
            "recurrent."
        )
    return _frames(method, frames, settings=settings, reference_white=reference_white, output=output)


def _frames(
    method: Method,
    frames: Iterable[Image],
    *,
    settings: RunSettings | None,
    reference_white: float | None,
    output: Encoding | None,
) -> Iterator[Image]:
    state: Statistics | None = None
    size: tuple[int, int] | None = None

    def carry(measured: Statistics) -> Statistics:
        nonlocal state
        state = method.carry(measured, state)
        return state

    for number, frame in enumerate(frames):
        size = size or (frame.height, frame.width)
        if (frame.height, frame.width) != size:
            raise ImageError(
                f"frame {number} of the clip is {frame.width} × {frame.height} pixels and the first "
                f"{size[1]} × {size[0]}; expected one size."
            )
        yield run(
            method, frame, settings=settings, reference_white=reference_white, output=output, carry=carry
        )
