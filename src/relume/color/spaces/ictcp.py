"""ICtCp, nearly uniform for HDR: intensity, tritan (blue to yellow) and protan (red to green), with PQ.

References:  [bt2100], table 7.
"""

import numpy as np
from jaxtyping import Float
from torch import Tensor

from relume.color.primaries import apply_matrix
from relume.color.transfer import pq

RGB_TO_LMS = np.array([[1688, 2146, 262], [683, 2951, 462], [99, 309, 3688]]) / 4096
LMS_TO_ICTCP = np.array([[2048, 2048, 0], [6610, -13613, 7003], [17933, -17390, -543]]) / 4096
_LMS_TO_RGB = np.linalg.inv(RGB_TO_LMS)
_ICTCP_TO_LMS = np.linalg.inv(LMS_TO_ICTCP)


def from_linear(image: Float[Tensor, "*batch 3 height width"]) -> Float[Tensor, "*batch 3 height width"]:
    """Linear BT.2020 to I, Ct, Cp.

    Convention:  absolute linear BT.2020 in cd/m², 0..10 000 → I 0..1, Ct and Cp -0.5..0.5. Cone responses
    outside 0..10 000 are clamped; colours outside BT.2020 keep theirs as long as they are positive.
    """
    return apply_matrix(pq.inverse_eotf(apply_matrix(image, RGB_TO_LMS)), LMS_TO_ICTCP)


def to_linear(image: Float[Tensor, "*batch 3 height width"]) -> Float[Tensor, "*batch 3 height width"]:
    """I, Ct, Cp to linear BT.2020.

    Convention:  I 0..1, Ct and Cp -0.5..0.5 → absolute linear BT.2020 in cd/m²; colours outside BT.2020 are
    negative, cone responses outside PQ's code range are clamped.
    """
    return apply_matrix(pq.eotf(apply_matrix(image, _ICTCP_TO_LMS)), _LMS_TO_RGB)
