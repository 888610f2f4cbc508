"""Convolution by the Fourier transform, for kernels of many pixels."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def convolve(
    image: Float[Tensor, "batch 1 height width"], kernel: Float[Tensor, "rows columns"]
) -> Float[Tensor, "batch 1 height width"]:
    """Convolve with a kernel of odd size, in time that hardly depends on its size.

    Convention:  any domain and unit; the border is repeated outwards. Computed in float64 whatever the type,
        for rounding errors are relative to the largest value of the image: with float32 those of a lamp
        would drown the shadows.
    """
    below, right = kernel.shape[0] // 2, kernel.shape[1] // 2
    height, width = image.shape[-2:]
    padded = functional.pad(image.double(), (right, right, below, below), mode="replicate")
    size = tuple(padded.shape[-2:])
    spectrum = torch.fft.rfft2(padded) * torch.fft.rfft2(kernel.double().to(image.device), s=size)
    result: Tensor = torch.fft.irfft2(spectrum, s=size)
    return result[..., 2 * below : 2 * below + height, 2 * right : 2 * right + width].to(image.dtype)
