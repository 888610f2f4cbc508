"""The camera: from the light of a scene to an SDR picture, stage by stage."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from relume.camera.compression import Jpeg, JpegDraw
from relume.camera.exposure import Exposure
from relume.camera.hue_saturation import HueSaturation
from relume.camera.noise import Noise, NoiseDraw
from relume.camera.quantization import Quantization
from relume.camera.response import Response
from relume.camera.tone_mapping import ToneMapping, ToneMappingDraw
from relume.camera.truncation import Clip, Truncation
from relume.camera.white_balance import WhiteBalance
from relume.errors import ImageError, MethodError
from relume.response.curve import sample_points


@dataclass(frozen=True, kw_only=True, eq=False)
class Settings:
    """What was drawn for one shot, stage by stage; None where the camera lacks the stage."""

    white_balance: Float[Tensor, "batch 3"] | None = None
    hue_saturation: Float[Tensor, "batch 2"] | None = None
    exposure: Float[Tensor, " batch"] | None = None
    noise: NoiseDraw | None = None
    tone_mapping: ToneMappingDraw | None = None
    response: Float[Tensor, "batch samples"] | None = None
    compression: JpegDraw | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Shot:
    """A batch of pictures that a camera took, and what is known of how."""

    sdr: Float[Tensor, "batch 3 height width"]
    """The picture as it comes out of the file: encoded, 0..1."""
    sensor: Float[Tensor, "batch 3 height width"]
    """The light that the picture was taken of: linear, without noise, 1.0 = the level that clips. This is
    what a network that is given `sdr` has to find."""
    exposure: Float[Tensor, " batch"]
    """The factor from the scene to the sensor, colour aside."""
    response: Float[Tensor, "batch samples"]
    """The curve from irradiance 0..1 to code 0..1 at evenly spaced irradiances."""
    clipped: Bool[Tensor, "batch 3 height width"]
    """Where a channel of the light, with its noise, was above what the camera can tell apart."""
    crushed: Bool[Tensor, "batch 3 height width"]
    """Where a channel has the code of black before compression."""
    settings: Settings
    """What was drawn."""


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Stages in the order in which light meets them; None where one is absent.

        scene → white balance → hue and saturation → exposure → sensor
              → noise → tone mapping → truncation → response → quantization → compression → SDR

    Colours are changed before the exposure so that a share of clipped pixels is what was asked for.

    Convention:  linear light of any scale, (batch, 3, height, width), float32 or float64, on any device, of
        which negative light counts as none → `Shot`. Each picture of the batch has its own random parameters.
        All of it is differentiable, with straight-through gradients where the forward step has none, but for
        the exposure and the masks. Random numbers are drawn on the generator's device and moved, so that any
        generator serves any picture.
    """

    white_balance: WhiteBalance | None = None
    hue_saturation: HueSaturation | None = None
    exposure: Exposure | None = None
    noise: Noise | None = None
    tone_mapping: ToneMapping | None = None
    truncation: Truncation = Clip()
    response: Response | None = None
    quantization: Quantization | None = None
    compression: Jpeg | None = None

    def __post_init__(self) -> None:
        if self.compression and self.quantization and self.quantization.bits != 8:
            raise MethodError(f"JPEG holds 8 bits; this camera quantizes to {self.quantization.bits}.")

    def __call__(self, scene: Float[Tensor, "batch 3 height width"], *, generator: torch.Generator) -> Shot:
        """Take a picture with random settings.

        Raises:
            ImageError: the scene is not a floating-point batch of three-channel pictures.
        """
        return self.apply(scene, self.draw(scene, generator))

    def draw(self, scene: Float[Tensor, "batch 3 height width"], generator: torch.Generator) -> Settings:
        """Random settings for these scenes; the exposure may depend on their light, all else does not.

        Raises:
            ImageError: the scene is not a floating-point batch of three-channel pictures.
        """
        if scene.ndim != 4 or scene.shape[1] != 3 or not scene.is_floating_point():
            raise ImageError(
                f"the scene is {scene.dtype} of shape {tuple(scene.shape)}; "
                "expected floating point (batch, 3, height, width)."
            )
        light = scene.detach()
        white_balance = self.white_balance.draw(light, generator) if self.white_balance else None
        hue_saturation = self.hue_saturation.draw(light, generator) if self.hue_saturation else None
        exposure = None
        if self.exposure:
            coloured = self._coloured(light, white_balance, hue_saturation)
            exposure = self.exposure.draw(coloured, generator)
        return Settings(
            white_balance=white_balance,
            hue_saturation=hue_saturation,
            exposure=exposure,
            noise=self.noise.draw(light, generator) if self.noise else None,
            tone_mapping=self.tone_mapping.draw(light, generator) if self.tone_mapping else None,
            response=self.response.draw(light, generator) if self.response else None,
            compression=self.compression.draw(light, generator) if self.compression else None,
        )

    def apply(self, scene: Float[Tensor, "batch 3 height width"], settings: Settings) -> Shot:
        """Take a picture with these settings, which `draw` or an earlier shot of the same size gave."""
        light = self._coloured(scene, settings.white_balance, settings.hue_saturation)
        if self.exposure and settings.exposure is not None:
            light = self.exposure.apply(light, settings.exposure)
        sensor = light
        if self.noise and settings.noise:
            light = self.noise.apply(light, settings.noise)
        if self.tone_mapping and settings.tone_mapping:
            light = self.tone_mapping.apply(light, settings.tone_mapping)
        light, clipped = self.truncation.apply(light)
        if self.response and settings.response is not None:
            light = self.response.apply(light, settings.response)
        else:
            light = light.clamp(0.0, 1.0)
        if self.quantization:
            light = self.quantization.apply(light)
        crushed = light <= 0.0
        if self.compression and settings.compression:
            light = self.compression.apply(light, settings.compression)
        factor, curve = settings.exposure, settings.response
        return Shot(
            sdr=light,
            sensor=sensor,
            exposure=torch.ones_like(scene[:, 0, 0, 0]) if factor is None else factor,
            response=_straight(scene) if curve is None else curve,
            clipped=clipped,
            crushed=crushed,
            settings=settings,
        )

    def clean(
        self, scene: Float[Tensor, "batch 3 height width"], settings: Settings
    ) -> Float[Tensor, "batch 3 height width"]:
        """The SDR picture of the same shot as it would be without noise, rounding and compression."""
        return replace(self, noise=None, quantization=None, compression=None).apply(scene, settings).sdr

    def _coloured(
        self,
        scene: Float[Tensor, "batch 3 height width"],
        white_balance: Float[Tensor, "batch 3"] | None,
        hue_saturation: Float[Tensor, "batch 2"] | None,
    ) -> Float[Tensor, "batch 3 height width"]:
        """The scene without negative light, in the colours of this shot."""
        light = scene.clamp(min=0.0)
        if self.white_balance and white_balance is not None:
            light = self.white_balance.apply(light, white_balance)
        if self.hue_saturation and hue_saturation is not None:
            light = self.hue_saturation.apply(light, hue_saturation)
        return light


def _straight(scene: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch samples"]:
    return sample_points().to(scene).expand(scene.shape[0], -1)
