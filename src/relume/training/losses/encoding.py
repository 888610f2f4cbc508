"""Domains to compare light in, so that a sun does not outweigh everything else.

`l2(logarithm(prediction, ...), logarithm(target, ...))` is the log-L2 loss, and so on. Each domain has a
finite slope at 0; below 0 the light counts as 0 and has no gradient.
"""

import math

from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import REFERENCE_WHITE
from relume.metrics import pu21


def logarithm(light: Float[Tensor, "*shape"], *, offset: float = 1.0 / 255.0) -> Float[Tensor, "*shape"]:
    """ln(x + offset).

    Convention:  linear, relative → ln; the offset of HDRCNN unless another is given: one code of 8 bits.

    References:  [eilertsen2017], ε = 1/255.
    """
    return (light.clamp(min=0.0) + offset).log()


def compressed(light: Float[Tensor, "*shape"], *, strength: float = 10.0) -> Float[Tensor, "*shape"]:
    """ln(1 + s x) / ln(1 + s): 0 at 0, 1 at 1, logarithmic above.

    Convention:  linear, relative → compressed; the strength of SingleHDR unless another is given.

    References:  [liu2020]
    """
    return (strength * light.clamp(min=0.0)).log1p() / math.log1p(strength)


def perceptually_uniform(
    light: Float[Tensor, "*shape"], *, white: float = REFERENCE_WHITE
) -> Float[Tensor, "*shape"]:
    """PU21 over its value at 100 cd/m², so that the range of an SDR display is about 0 to 1.

    Convention:  linear, relative, 1.0 = `white` cd/m² → 0..2.33; no slope below 0.005 and above
    10 000 cd/m², where PU21 ends.

    References:  [mantiuk2021], eq. 10.
    """
    return pu21.encode(light * white) / pu21.PEAK
