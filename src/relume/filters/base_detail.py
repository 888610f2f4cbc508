"""Base and detail: what is smooth but for its edges, and what lies on it."""

from jaxtyping import Float
from torch import Tensor

from relume.filters.guided import guided_filter


def truncate_base(
    light: Float[Tensor, "batch channels height width"], *, window: int = 5, epsilon: float = 0.01
) -> Float[Tensor, "batch channels height width"]:
    """End the base of a self-guided filter at 1 and keep the detail on it.

    C(H) = clip(b)·H/b, which is H / max(b, 1): light keeps its value where the base does not clip.

    Convention:  linear, not negative → linear; the result is near 1 but may exceed it where there is detail.

    Args:
        window: side of the filter's window in pixels, odd.
        epsilon: the variance that the filter takes for an edge.

    References:  [duhdr2023], section 3.3; window and epsilon are those of the published code; [he2013].
    """
    return light / guided_filter(light, radius=window // 2, epsilon=epsilon).clamp(min=1.0)
