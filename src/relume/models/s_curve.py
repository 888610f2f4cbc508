"""The inverse of Reinhard's extended operator, normalised so that white becomes a given luminance.

References:  [oh2022], eqs. 2 to 6; [banterle2006]
"""

from jaxtyping import Float
from torch import Tensor


def inverse_s_curve(
    sdr: Float[Tensor, "batch 3 height width"],
    *,
    peak: Float[Tensor, "batch 1 1 1"],
    white: Float[Tensor, "batch #3 1 1"],
) -> Float[Tensor, "batch 3 height width"]:
    """½ L′max Lwhite (Ld − 1 + √((1 − Ld)² + 4 Ld / Lwhite²)), channel by channel.

    The difference of nearly equal numbers is avoided by multiplying with the conjugate:
    2 L′max Ld / (Lwhite (√(…) + 1 − Ld)).

    Convention:  encoded 0..1 → linear, relative, 0 at 0 and `peak` at 1.

    Args:
        sdr: Ld.
        peak: L′max, the light of white.
        white: Lwhite > 0 of each channel: 1 is a straight line, above 1 expands highlights, below 1 lifts
            shadows.

    References:  [oh2022], eq. 6.
    """
    root = ((1.0 - sdr).square() + 4.0 * sdr / white.square()).sqrt()
    return 2.0 * peak * sdr / (white * (root + 1.0 - sdr))
