"""Cosine and sine transforms, in which filters and Laplacians with borders are mere products.

References:  [makhoul1980] for the cosine transform by a Fourier transform of the same length.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def cosine_transform(image: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch height width"]:
    """The two-dimensional DCT-II, not normalised: of an image whose borders are mirrors."""
    return _dct(_dct(image).mT).mT


def inverse_cosine_transform(
    spectrum: Float[Tensor, "*batch height width"],
) -> Float[Tensor, "*batch height width"]:
    """The image whose `cosine_transform` this is."""
    return _inverse_dct(_inverse_dct(spectrum).mT).mT


def sine_transform(image: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch height width"]:
    """The two-dimensional DST-I, of an image with zeros around it; it is its own inverse."""
    return _dst(_dst(image).mT).mT


def frequencies(count: int, like: Tensor) -> Float[Tensor, "count"]:
    """The angle, in radians a pixel, of each coefficient of a cosine transform of that length."""
    return torch.arange(count, dtype=like.dtype, device=like.device) * (math.pi / count)


def _dct(rows: Tensor) -> Tensor:
    count = rows.shape[-1]
    shuffled = torch.cat((rows[..., ::2], rows[..., 1::2].flip(-1)), dim=-1)
    half = 0.5 * frequencies(count, rows)
    spectrum: Tensor = torch.fft.fft(shuffled) * torch.complex(half.cos(), -half.sin())
    return 2.0 * spectrum.real


def _inverse_dct(spectrum: Tensor) -> Tensor:
    count = spectrum.shape[-1]
    half = 0.5 * frequencies(count, spectrum)
    mirrored = torch.cat((torch.zeros_like(spectrum[..., :1]), spectrum[..., 1:].flip(-1)), dim=-1)
    shuffled = torch.fft.ifft(torch.complex(spectrum, -mirrored) * torch.complex(half.cos(), half.sin())).real
    rows = torch.empty_like(spectrum)
    middle = (count + 1) // 2
    rows[..., ::2] = 0.5 * shuffled[..., :middle]
    rows[..., 1::2] = 0.5 * shuffled[..., middle:].flip(-1)
    return rows


def _dst(rows: Tensor) -> Tensor:
    count = rows.shape[-1]
    zero = torch.zeros_like(rows[..., :1])
    odd = torch.cat((zero, rows, zero, -rows.flip(-1)), dim=-1)
    spectrum: Tensor = torch.fft.rfft(odd)
    return spectrum.imag[..., 1 : count + 1] * (-1.0 / math.sqrt(2.0 * (count + 1)))
