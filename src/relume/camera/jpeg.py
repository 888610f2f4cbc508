"""JPEG in tensors: what the baseline codec of libjpeg does to 8-bit pixels, with a gradient.

Every rounding of the codec is done (to pixels, chroma samples and coefficients), with the straight-through
gradient. Entropy coding loses nothing and is left out.

References:  [t81], annexes A and K; [jfif] for colour; libjpeg for the scaling of tables and for chroma.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from relume.camera.straight_through import straight_through

# T.81 tables K.1 and K.2.
_LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
)

# Weights of the colour conversions in units of 2^-16, as libjpeg rounds those of the standard.
_TO_LUMA = (19595, 38470, 7471)
_TO_CHROMA = ((-11059, -21709, 32768), (32768, -27439, -5329))
_CR_TO_RED, _CB_TO_GREEN, _CR_TO_GREEN, _CB_TO_BLUE = 91881, -22554, -46802, 116130
_COLOUR_BITS = 16

# The left half of the cosine transform of eight samples, √8 times the orthonormal one, in units of 2^-13: the
# integers to which the factorised transform of libjpeg multiplies out. Even rows are symmetric, odd ones
# antisymmetric.
_TRANSFORM = (
    (8192, 8192, 8192, 8192),
    (11363, 9633, 6437, 2260),
    (10703, 4433, -4433, -10703),
    (9633, -2259, -11362, -6436),
    (8192, -8192, -8192, 8192),
    (6437, -11362, 2261, 9633),
    (4433, -10704, 10704, -4433),
    (2260, -6436, 9633, -11363),
)
_TRANSFORM_BITS = 13
_FIRST_PASS_BITS = 2
"""Binary digits that the first of two passes keeps after the point."""

_BLOCK = 8


def quantization_tables(quality: Int[Tensor, " batch"]) -> Int[Tensor, "batch 2 8 8"]:
    """The divisors of luma and chroma for a quality of 1 to 100, as libjpeg scales those of annex K."""
    base = torch.tensor([_LUMA_TABLE, _CHROMA_TABLE], device=quality.device)
    percent = torch.where(quality < 50, 5000 // quality.clamp(min=1), 200 - 2 * quality)
    return ((base * percent[:, None, None, None] + 50) // 100).clamp(1, 255)


def jpeg_round_trip(
    pixels: Float[Tensor, "batch 3 height width"],
    quality: Int[Tensor, " batch"],
    halved: Bool[Tensor, " batch"] | bool,
) -> Float[Tensor, "batch 3 height width"]:
    """Pixels as they come out of a JPEG file that libjpeg writes and reads with its defaults.

    Convention:  encoded RGB 0..255 → whole numbers 0..255, of any size. Computed in float64, where all of
        libjpeg's integers are exact and autocast does not reach (in float32 on devices that have no more).

    Args:
        quality: 1 to 100.
        halved: whether chroma has half the resolution on both axes (4:2:0) rather than all of it (4:4:4),
            of each item or of all.
    """
    exact = pixels.to(torch.float32 if pixels.device.type == "mps" else torch.float64)
    tables = quantization_tables(quality).to(exact)
    luma, chroma = _to_ycc(_round(exact.clamp(0.0, 255.0)))
    luma = _coded(luma, tables[:, :1])
    chroma = _coded_chroma(chroma, tables[:, 1:].expand(-1, 2, -1, -1), halved)
    return _to_rgb(luma, chroma).to(pixels)


def _to_ycc(
    rgb: Float[Tensor, "batch 3 height width"],
) -> tuple[Float[Tensor, "batch 1 height width"], Float[Tensor, "batch 2 height width"]]:
    """Luma and chroma, both centred at 0; halves of luma go up, of chroma down."""
    luma = _round(_weighted(rgb, _TO_LUMA), _COLOUR_BITS) - 128.0
    chroma = torch.cat([_weighted(rgb, weights) for weights in _TO_CHROMA], dim=1)
    return luma, _round(chroma - 1.0, _COLOUR_BITS)


def _to_rgb(
    luma: Float[Tensor, "batch 1 height width"], chroma: Float[Tensor, "batch 2 height width"]
) -> Float[Tensor, "batch 3 height width"]:
    cb, cr = chroma.chunk(2, dim=1)
    differences = [cr * _CR_TO_RED, cb * _CB_TO_GREEN + cr * _CR_TO_GREEN, cb * _CB_TO_BLUE]
    rgb = luma + 128.0 + _round(torch.cat(differences, dim=1), _COLOUR_BITS)
    return rgb.clamp(0.0, 255.0)


def _coded_chroma(
    chroma: Float[Tensor, "batch 2 height width"],
    table: Float[Tensor, "batch 2 8 8"],
    halved: Bool[Tensor, " batch"] | bool,
) -> Float[Tensor, "batch 2 height width"]:
    """Chroma as decoded, of the items whose chroma is halved and of the others."""
    if halved is False:
        return _coded(chroma, table)
    height, width = chroma.shape[-2:]
    coarse = _coded(_halve(_padded(chroma, (2, 2 * _BLOCK))), table)
    fine = _double(coarse[..., : -(-width // 2)])[..., :height, :width]
    if halved is True:
        return fine
    return torch.where(halved[:, None, None, None], fine, _coded(chroma, table))


def _coded(
    plane: Float[Tensor, "batch channels height width"], table: Float[Tensor, "batch channels 8 8"]
) -> Float[Tensor, "batch channels height width"]:
    """A plane, centred at 0, through the cosine transform of its blocks, made multiples of the table."""
    height, width = plane.shape[-2:]
    padded = _padded(plane, (_BLOCK, _BLOCK))
    # Blocks stay where they are: (row of blocks, row in block, column of blocks, column in block).
    tall, wide = padded.shape[-2] // _BLOCK, padded.shape[-1] // _BLOCK
    blocks = padded.reshape(*plane.shape[:2], tall, _BLOCK, wide, _BLOCK)
    transform = _transform(plane)
    eighths = _along_columns(transform, _along_rows(transform, blocks, -_FIRST_PASS_BITS), _FIRST_PASS_BITS)
    kept = _quantized(eighths, table[:, :, None, :, None, :])
    inverse = transform.T
    decoded = _along_rows(inverse, _along_columns(inverse, kept, -_FIRST_PASS_BITS), _FIRST_PASS_BITS + 3)
    whole = decoded.flatten(-2).flatten(-3, -2)[..., :height, :width]
    return whole.clamp(-128.0, 127.0)


def _along_rows(
    matrix: Float[Tensor, "8 8"], blocks: Float[Tensor, "batch channels rows 8 columns 8"], bits: int
) -> Float[Tensor, "batch channels rows 8 columns 8"]:
    """The matrix times each row of each block, divided by 2^bits and made whole."""
    return _round(blocks @ matrix.T, _TRANSFORM_BITS + bits)


def _along_columns(
    matrix: Float[Tensor, "8 8"], blocks: Float[Tensor, "batch channels rows 8 columns 8"], bits: int
) -> Float[Tensor, "batch channels rows 8 columns 8"]:
    """The matrix times each column of each block, divided by 2^bits and made whole."""
    return _round((matrix @ blocks.flatten(-2)).reshape(blocks.shape), _TRANSFORM_BITS + bits)


def _quantized(
    eighths: Float[Tensor, "batch channels rows 8 columns 8"],
    divisor: Float[Tensor, "batch channels 1 8 1 8"],
) -> Float[Tensor, "batch channels rows 8 columns 8"]:
    """The nearest multiples of the divisor, halves away from 0, of coefficients in units of 1/8."""
    steps = (eighths.detach().abs() / (8.0 * divisor) + 0.5).floor()
    return straight_through(eighths / 8.0, (steps * divisor).copysign(eighths))


def _halve(chroma: Float[Tensor, "batch 2 height width"]) -> Float[Tensor, "batch 2 rows columns"]:
    """Means of 2 × 2 pixels as whole numbers: a half goes down in even columns and up in odd ones."""
    mean = functional.avg_pool2d(chroma, 2)
    bias = torch.full_like(mean, 0.25)
    bias[..., 1::2] = 0.5
    return straight_through(mean, (mean + bias).floor())


def _double(chroma: Float[Tensor, "batch 2 rows columns"]) -> Float[Tensor, "batch 2 _ _"]:
    """Twice the size: each new sample is 3/4 of the nearer and 1/4 of the farther old one, on both axes."""
    wide = _double_along(_double_along(chroma, 2), 3)
    # Made whole, a half goes up in even columns and down in odd ones.
    bias = torch.full_like(wide, 8.0 / 16.0)
    bias[..., 1::2] = 7.0 / 16.0
    return straight_through(wide, (wide + bias).floor())


def _double_along(plane: Float[Tensor, "batch 2 rows columns"], dim: int) -> Float[Tensor, "batch 2 _ _"]:
    inner = plane.shape[dim] - 1
    first, last = plane.narrow(dim, 0, 1), plane.narrow(dim, inner, 1)
    before = torch.cat([first, plane.narrow(dim, 0, inner)], dim)
    after = torch.cat([plane.narrow(dim, 1, inner), last], dim)
    pairs = torch.stack([0.75 * plane + 0.25 * before, 0.75 * plane + 0.25 * after], dim + 1)
    return pairs.flatten(dim, dim + 1)


def _padded(
    plane: Float[Tensor, "batch channels height width"], multiple: tuple[int, int]
) -> Float[Tensor, "batch channels _ _"]:
    """The plane with its last row and column repeated up to a multiple of (height, width)."""
    below, beside = -plane.shape[-2] % multiple[0], -plane.shape[-1] % multiple[1]
    return functional.pad(plane, (0, beside, 0, below), mode="replicate") if below or beside else plane


def _round(values: Float[Tensor, "*shape"], bits: int = 0) -> Float[Tensor, "*shape"]:
    """values / 2^bits made whole, halves up."""
    scaled = values * 2.0**-bits
    return straight_through(scaled, (scaled + 0.5).floor())


def _weighted(
    image: Float[Tensor, "batch 3 height width"], weights: tuple[int, int, int]
) -> Float[Tensor, "batch 1 height width"]:
    first, second, third = image.chunk(3, dim=1)
    return first * weights[0] + second * weights[1] + third * weights[2]


def _transform(like: Tensor) -> Float[Tensor, "8 8"]:
    left = torch.tensor(_TRANSFORM)
    signs = torch.tensor([1, -1]).repeat(_BLOCK // 2)[:, None]
    return torch.cat([left, left.flip(1) * signs], dim=1).to(like)
