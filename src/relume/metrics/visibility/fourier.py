"""Filters given by their transfer function, for three kinds of border."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Complex, Float
from scipy.fft import next_fast_len
from torch import Tensor

Transfer = Callable[[Tensor], Tensor]
"""Frequency in cycles/pixel, in any direction → factor."""


def frequencies(height: int, width: int, like: Tensor) -> Float[Tensor, "height half"]:
    """Length of the frequency of each coefficient of `rfft2`, in cycles/pixel."""
    rows = torch.fft.fftfreq(height, dtype=like.dtype, device=like.device)
    columns = torch.fft.rfftfreq(width, dtype=like.dtype, device=like.device)
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
    filtered: Tensor = torch.fft.irfft2(spectrum, s=size)
    return filtered[..., :height, :width] + surround * response[..., :1, :1]


def filter_mirrored(
    image: Float[Tensor, "batch channels height width"], transfer: Transfer
) -> Float[Tensor, "batch channels height width"]:
    """Filter a picture that is mirrored at its borders, each border pixel being repeated once.

    The mirrored picture has twice the height and width and is even, so that a cosine transform of the
    picture itself tells all of it; that one is computed by an FFT of the same size.

    References:  [makhoul1980]
    """
    height, width = image.shape[-2:]
    rows = torch.arange(height, dtype=image.dtype, device=image.device)[:, None]
    columns = torch.arange(width // 2 + 1, dtype=image.dtype, device=image.device)[None, :]

    def response(row: Tensor, column: Tensor) -> Tensor:
        return transfer(torch.hypot(row / (2 * height), column / (2 * width)))

    # The four products of cosines and sines along rows and columns; the sine of k is the cosine of size - k.
    cosine_cosine, sine_sine = response(rows, columns), response(height - rows, width - columns)
    cosine_sine, sine_cosine = response(rows, width - columns), response(height - rows, columns)
    of_positive = 0.5 * torch.stack([cosine_cosine + sine_sine, cosine_sine + sine_cosine], dim=-1)
    of_negative = 0.5 * torch.stack([cosine_cosine - sine_sine, cosine_sine - sine_cosine], dim=-1)

    turn_rows = torch.polar(torch.ones_like(rows), rows * (torch.pi / (2 * height)))
    turn_columns = torch.polar(torch.ones_like(columns), columns * (torch.pi / (2 * width)))
    spectrum = torch.fft.rfft2(_folded(image))
    positive = torch.view_as_real(spectrum * (turn_rows * turn_columns).conj())
    mirrored = torch.cat([spectrum[..., :1, :], spectrum[..., 1:, :].flip(-2)], dim=-2)
    negative = torch.view_as_real(mirrored * (turn_rows * turn_columns.conj()))
    filtered = torch.view_as_complex((positive * of_positive).addcmul(negative, of_negative))
    return _unfolded(torch.fft.irfft2(filtered * (turn_rows * turn_columns), s=(height, width)))


def _folded(image: Tensor) -> Tensor:
    """Along both axes even positions upwards, then odd positions downwards."""
    columns = torch.cat([image[..., ::2], image[..., 1::2].flip(-1)], dim=-1)
    return torch.cat([columns[..., ::2, :], columns[..., 1::2, :].flip(-2)], dim=-2)


def _unfolded(image: Tensor) -> Tensor:
    height, width = ((length + 1) // 2 for length in image.shape[-2:])
    columns = torch.empty_like(image)
    columns[..., ::2], columns[..., 1::2] = image[..., :width], image[..., width:].flip(-1)
    result = torch.empty_like(image)
    result[..., ::2, :], result[..., 1::2, :] = columns[..., :height, :], columns[..., height:, :].flip(-2)
    return result


def fast_length(length: int) -> int:
    """The next even length that FFTs are fast for."""
    return 2 * int(next_fast_len((length + 1) // 2))


def taps_response(taps: np.ndarray, height: int, width: int, like: Tensor) -> Complex[Tensor, "height half"]:
    """The spectrum of a filter of odd size around the origin, as of `rfft2`."""

    def waves(cycles: np.ndarray, size: int) -> np.ndarray:
        offsets = np.arange(size) - size // 2
        return np.exp(-2j * np.pi * cycles[:, None] * offsets)

    rows, columns = waves(np.fft.fftfreq(height), taps.shape[0]), waves(np.fft.rfftfreq(width), taps.shape[1])
    return torch.as_tensor(rows @ taps @ columns.T, dtype=like.dtype.to_complex(), device=like.device)
