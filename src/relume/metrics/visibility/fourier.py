"""Filters given by their transfer function, for three kinds of border."""

from collections.abc import Callable

import torch
from jaxtyping import Complex, Float
from scipy.fft import next_fast_len
from torch import Tensor

Transfer = Callable[[Tensor], Tensor]
"""Frequency in cycles/pixel, in any direction → factor."""


def frequencies(height: int, width: int, like: Tensor) -> Float[Tensor, "height half"]:
    """Length of the frequency of each coefficient of `rfft2`, in cycles/pixel."""
    kinds = {"dtype": like.dtype, "device": like.device}
    rows = torch.fft.fftfreq(height, dtype=like.dtype, device=like.device)
    columns = torch.fft.rfftfreq(width, **kinds)
    return torch.hypot(rows[:, None], columns[None, :])


def filter_surrounded(
    image: Float[Tensor, "batch channels height width"],
    transfer: Transfer,
    surround: Float[Tensor, "#batch #channels"],
) -> Float[Tensor, "batch channels height width"]:
    """Filter a picture that a constant surrounds: it is padded at the end to twice its size.

    Convention:  the padded picture is periodic, so that what leaves it comes in at the other side.
    """
    height, width = image.shape[-2:]
    surround = surround[..., None, None]
    size = (2 * height, 2 * width)
    response = transfer(frequencies(*size, image))
    # The surround is taken off so that the padding is zero, and comes back weighted by the response to it.
    spectrum = torch.fft.rfft2(image - surround, s=size) * response
    return torch.fft.irfft2(spectrum, s=size)[..., :height, :width] + surround * response[0, 0]


def filter_mirrored(
    image: Float[Tensor, "batch channels height width"], transfer: Transfer
) -> Float[Tensor, "batch channels height width"]:
    """Filter a picture that is mirrored at its borders, each border pixel being repeated once.

    The mirrored picture has twice the height and width and is even, so that a cosine transform of the
    picture itself tells all of it; that one is computed by an FFT of the same size.

    References:  [makhoul1980]
    """
    height, width = image.shape[-2:]
    half = width // 2 + 1
    rows = torch.arange(height, dtype=image.dtype, device=image.device)[:, None]
    columns = torch.arange(half, dtype=image.dtype, device=image.device)[None, :]
    turn_rows = torch.polar(torch.ones_like(rows), rows * (torch.pi / (2 * height)))
    turn_columns = torch.polar(torch.ones_like(columns), columns * (torch.pi / (2 * width)))

    spectrum = torch.fft.rfft2(_fold(_fold(image, -1), -2)) / turn_columns
    # The spectrum at the negative row frequencies: cosine and sine parts along rows fall apart.
    negative = torch.cat([spectrum[..., :1, :], spectrum[..., 1:, :].flip(-2)], dim=-2) * turn_rows
    positive = spectrum / turn_rows
    cosine, sine = 0.5 * (positive + negative), 0.5 * (positive - negative)

    def response(row: Tensor, column: Tensor) -> Tensor:
        return transfer(torch.hypot(row / (2 * height), column / (2 * width)))

    # cos·cos and cos·sin, then sin·sin and sin·cos; the sine of k is the cosine of size - k.
    cosine = torch.complex(
        cosine.real * response(rows, columns), cosine.imag * response(rows, width - columns)
    )
    sine = torch.complex(
        sine.real * response(height - rows, width - columns), sine.imag * response(height - rows, columns)
    )
    spectrum = (cosine + sine) * turn_rows * turn_columns
    return _unfold(_unfold(torch.fft.irfft2(spectrum, s=(height, width)), -1), -2)


def _fold(image: Tensor, dim: int) -> Tensor:
    """Even positions upwards, then odd positions downwards."""
    index = torch.arange(image.shape[dim], device=image.device)
    return image.index_select(dim, torch.cat([index[::2], index[1::2].flip(0)]))


def _unfold(image: Tensor, dim: int) -> Tensor:
    length = image.shape[dim]
    index = torch.arange(length, device=image.device)
    places = torch.where(index % 2 == 0, index // 2, length - 1 - index // 2)
    return image.index_select(dim, places)


def fast_length(length: int) -> int:
    """The next even length that FFTs are fast for."""
    return 2 * int(next_fast_len((length + 1) // 2))


def taps_response(
    taps: Float[Tensor, "rows columns"], height: int, width: int
) -> Complex[Tensor, "height half"]:
    """The spectrum of a filter of odd size around the origin."""
    rows, columns = taps.shape
    around = torch.zeros(height, width, dtype=taps.dtype, device=taps.device)
    around[:rows, :columns] = taps
    return torch.fft.rfft2(around.roll((-(rows // 2), -(columns // 2)), (0, 1)))
