"""Supplies of HDR scenes: synthetic ones, views of panoramas, crops of photographs, and mixtures."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.data.panorama import perspective_view, random_views
from relume.data.synthetic import KINDS, synthetic_scene
from relume.errors import ImageError


class Scenes(ABC):
    """Linear scene-referred BT.709 pictures of any wanted size, drawn with a generator."""

    @abstractmethod
    def draw(self, *, size: tuple[int, int], generator: torch.Generator) -> Float[Tensor, "3 height width"]:
        """One picture of that size (height, width); the same generator state gives the same picture."""

    def draw_related(
        self, count: int, *, size: tuple[int, int], generator: torch.Generator
    ) -> Float[Tensor, "count 3 height width"]:
        """Several pictures, of one scene if that is quicker."""
        return torch.stack([self.draw(size=size, generator=generator) for _ in range(count)])


@dataclass(frozen=True)
class SyntheticScenes(Scenes):
    """Scenes made on the spot; see `relume.data.synthetic`."""

    kinds: tuple[str, ...] = tuple(KINDS)

    def draw(self, *, size: tuple[int, int], generator: torch.Generator) -> Float[Tensor, "3 height width"]:
        """One scene of one of the kinds."""
        kind = self.kinds[_index(len(self.kinds), generator)]
        return synthetic_scene(size=size, generator=generator, kind=kind)


@dataclass(frozen=True, eq=False)
class PanoramaScenes(Scenes):
    """Perspective views of equirectangular panoramas, each looking in a random direction."""

    panoramas: Sequence[Float[Tensor, "3 _ _"]]

    def draw(self, *, size: tuple[int, int], generator: torch.Generator) -> Float[Tensor, "3 height width"]:
        """A view of one of the panoramas, mirrored half of the time."""
        return self.draw_related(1, size=size, generator=generator)[0]

    def draw_related(
        self, count: int, *, size: tuple[int, int], generator: torch.Generator
    ) -> Float[Tensor, "count 3 height width"]:
        """Views of one of the panoramas, each mirrored half of the time."""
        panorama = self.panoramas[_index(len(self.panoramas), generator)].float()
        yaw, pitch, roll, field_of_view = random_views(count, generator=generator)
        views = perspective_view(
            panorama, yaw=yaw, pitch=pitch, roll=roll, horizontal_field_of_view=field_of_view, size=size
        )
        return torch.stack([view.flip(-1) if _index(2, generator) else view for view in views])


@dataclass(frozen=True, eq=False)
class PhotographScenes(Scenes):
    """Crops of HDR photographs, at their own scale or reduced down to where the short side just fits."""

    photographs: Sequence[Float[Tensor, "3 _ _"]]

    def draw(self, *, size: tuple[int, int], generator: torch.Generator) -> Float[Tensor, "3 height width"]:
        """A crop of one of the photographs, mirrored half of the time.

        Raises:
            ImageError: the photograph is smaller than the wanted size.
        """
        photograph = self.photographs[_index(len(self.photographs), generator)].float()
        height, width = photograph.shape[-2:]
        smallest = max(size[0] / height, size[1] / width)
        if smallest > 1:
            raise ImageError(
                f"a photograph of {width} × {height} pixels holds no crop of {size[1]} × {size[0]}."
            )
        scale = smallest ** float(torch.rand((), generator=generator))
        shape = max(round(height * scale), size[0]), max(round(width * scale), size[1])
        reduced = functional.interpolate(photograph[None], size=shape, mode="area")[0]
        top, left = _index(shape[0] - size[0] + 1, generator), _index(shape[1] - size[1] + 1, generator)
        crop = reduced[:, top : top + size[0], left : left + size[1]]
        return crop.flip(-1) if _index(2, generator) else crop


@dataclass(frozen=True, eq=False)
class Mixture(Scenes):
    """Several supplies, each drawn from with its share."""

    parts: Sequence[tuple[Scenes, float]]

    def draw(self, *, size: tuple[int, int], generator: torch.Generator) -> Float[Tensor, "3 height width"]:
        """A picture of one of the parts."""
        return self.draw_related(1, size=size, generator=generator)[0]

    def draw_related(
        self, count: int, *, size: tuple[int, int], generator: torch.Generator
    ) -> Float[Tensor, "count 3 height width"]:
        """Several pictures of one of the parts."""
        shares = torch.tensor([share for _, share in self.parts], device=generator.device)
        chosen = int(torch.multinomial(shares, 1, generator=generator))
        return self.parts[chosen][0].draw_related(count, size=size, generator=generator)


def _index(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (), generator=generator, device=generator.device))
