"""What a discriminator and a generator want of each other, in terms of logits.

Papers differ in what the discriminator's probability is of. With D the probability of a *real* picture it
maximises log D(real) + log(1 − D(fake)); with D the probability of a *fake* one, as in iTMN, it maximises
log(1 − D(real)) + log D(fake). The two are one another with the sign of the logit turned.
Logarithms of sigmoids are computed as softplus, which neither overflows nor loses its gradient.
"""

from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

ProbabilityOf = Literal["real", "fake"]


def discriminator_loss(
    real: Float[Tensor, "*batch"], fake: Float[Tensor, "*batch"], *, probability_of: ProbabilityOf = "real"
) -> Float[Tensor, ""]:
    """What the discriminator lowers: −E log p(right | real) − E log p(right | fake).

    Args:
        real: its logits on real pictures.
        fake: its logits on the generator's, which are detached from the generator.
        probability_of: what its sigmoid is the probability of.

    References:  [goodfellow2014], eq. 1.
    """
    sign = _sign(probability_of)
    return softplus(-sign * real).mean() + softplus(sign * fake).mean()


def generator_loss(
    fake: Float[Tensor, "*batch"], *, probability_of: ProbabilityOf = "real", saturating: bool = False
) -> Float[Tensor, ""]:
    """What the generator lowers: −E log p(taken for real), or in the saturating form E log p(found out).

    Args:
        fake: the discriminator's logits on the generator's pictures.
        saturating: the form of the original minimax game, and of iTMN; its gradient vanishes while the
            discriminator is sure.

    References:  [goodfellow2014], section 3.
    """
    sign = _sign(probability_of)
    return -softplus(sign * fake).mean() if saturating else softplus(-sign * fake).mean()


def _sign(probability_of: ProbabilityOf) -> float:
    return 1.0 if probability_of == "real" else -1.0
