"""A camera whose response a network chooses: DuHDR's secondary path as a simulator of SDR pictures."""

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from relume.camera.camera import Camera, Settings, Shot
from relume.errors import MethodError
from relume.models.duhdr.imaging import Imaging


@dataclass(frozen=True, kw_only=True, eq=False)
class LearnedCamera:
    """A camera that takes, of each scene, the picture with the response that a trained Nnet finds for it.

    Exposure, noise, quantization and compression are those of the given camera, whose own response is not
    used. Called like a `Camera`, so that pairs and benchmarks can be made with it.

    Args:
        camera: one with a response, as `find("duhdr")`.
        imaging: of a trained network, `load_weights(path)[0].imaging`.

    References:  [duhdr2023], eq. 1.
    """

    camera: Camera
    imaging: Imaging = field(repr=False)

    def __post_init__(self) -> None:
        if self.camera.response is None:
            raise MethodError("a learned camera needs a camera with a response to replace; this has none.")

    @torch.no_grad()
    def __call__(self, scene: Float[Tensor, "batch 3 height width"], *, generator: torch.Generator) -> Shot:
        """Take a picture with random settings, but for the response.

        Raises:
            ImageError: the scene is not a floating-point batch of three-channel pictures.
        """
        settings = self.camera.draw(scene, generator)
        sensor = self.camera.apply(scene, settings).sensor
        found = self.imaging.nnet.curve(self.imaging.truncated(sensor))
        return self.camera.apply(scene, replace(settings, response=found))

    def clean(
        self, scene: Float[Tensor, "batch 3 height width"], settings: Settings
    ) -> Float[Tensor, "batch 3 height width"]:
        """The SDR picture of the same shot as it would be without noise, rounding and compression."""
        return self.camera.clean(scene, settings)
