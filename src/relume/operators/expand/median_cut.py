"""Median cut: an image as regions of equal light, each a light source.

References:  [debevec2005].
"""

import numpy as np
from numpy.typing import NDArray


def median_cut(
    light: NDArray[np.float64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Cut the image again and again, each region along its longer side into two of equal light.

    Convention:  linear luminance (height, width), not negative. Regions of one pixel, and dark ones, are not
        cut further, so that there may be fewer than `count`.

    Args:
        count: how many regions to end with, at most; a power of two is reached exactly.

    Returns:
        of each region the row and the column of its centre of light, and its mean luminance.
    """
    height, width = light.shape
    # Sums over all rectangles in four look-ups.
    table = np.zeros((height + 1, width + 1))
    table[1:, 1:] = light.cumsum(0).cumsum(1)
    regions = [(0, height, 0, width)]
    while 2 * len(regions) <= count:
        cut = [part for region in regions for part in _halves(table, region)]
        if len(cut) == len(regions):
            break
        regions = cut
    return _centres(light, regions)


def _halves(table: NDArray[np.float64], region: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    top, bottom, left, right = region
    vertical = bottom - top >= right - left
    if vertical:
        sums = table[top : bottom + 1, right] - table[top : bottom + 1, left]
    else:
        sums = table[bottom, left : right + 1] - table[top, left : right + 1]
    sums = sums - sums[0]
    if len(sums) < 3 or sums[-1] <= 0:
        return [region]
    middle = int(np.abs(sums[1:-1] - sums[-1] / 2).argmin()) + 1
    if vertical:
        return [(top, top + middle, left, right), (top + middle, bottom, left, right)]
    return [(top, bottom, left, left + middle), (top, bottom, left + middle, right)]


def _centres(
    light: NDArray[np.float64], regions: list[tuple[int, int, int, int]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    rows, columns, means = [], [], []
    for top, bottom, left, right in regions:
        part = light[top:bottom, left:right]
        total = part.sum()
        weights = part / total if total > 0 else np.full_like(part, 1.0 / part.size)
        rows.append(top + int(weights.sum(1) @ np.arange(bottom - top) + 0.5))
        columns.append(left + int(weights.sum(0) @ np.arange(right - left) + 0.5))
        means.append(part.mean())
    return np.array(rows), np.array(columns), np.array(means)
