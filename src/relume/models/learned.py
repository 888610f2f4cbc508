"""Networks as methods: one class each, which runs the weights that relume ships or those of a file.

A method becomes a row of the catalog when its weights lie in `shipped/`, named after the network, and its
class stands in `SHIPPED`.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from relume.color.encoding import REFERENCE_WHITE
from relume.color.transfer import srgb
from relume.errors import MethodError
from relume.filters.enlarge import enlarged
from relume.method import Method, MethodSpec, Statistics, parameter
from relume.models import ember, find, itmn, rassdl, sparam_convlstm, unet
from relume.models.duhdr import imaging as duhdr_imaging
from relume.models.duhdr import network as duhdr
from relume.models.measuring import MeasuringNetwork
from relume.models.rassdl_supervision import adapted, whole_lightness
from relume.models.vgg16 import vgg16
from relume.models.weights import load_weights, read_card
from relume.response.joint import joint_lookup

SHIPPED_WEIGHTS = Path(__file__).parent / "shipped"

_KEPT = 4
"""So many networks stay loaded."""

_CLEANED_PIXELS = 1 << 22
"""Larger pictures are not looked at pixel by pixel: reduced to a screen, noise and rounding average out."""


@dataclass(frozen=True, kw_only=True)
class Learned(Method):
    """A network with trained weights, which are loaded on first use and follow the image to its device."""

    model: ClassVar[str]
    """The row of `relume.models.MODELS`."""

    weights: str = parameter("", "a weight file to use in place of the one that relume ships")

    @property
    def halo(self) -> int:
        """How far around a pixel the network looks."""
        return find(self.model).halo

    @property
    def path(self) -> Path:
        """The weight file."""
        return Path(self.weights) if self.weights else SHIPPED_WEIGHTS / f"{self.model}.safetensors"

    def network(self, image: Tensor) -> nn.Module:
        """The network, in evaluation mode, on the device and in the precision of the image.

        Raises:
            UnreadableFile: the weight file is missing or damaged.
            MethodError: it holds the weights of another network.
        """
        return _network(self.path, self.model, image.device, image.dtype)

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """What the network measures on the whole image, if it does."""
        network = self.network(image)
        return network.measure(image) if isinstance(network, MeasuringNetwork) else {}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Run the network."""
        network = self.network(image)
        given = (image, statistics) if isinstance(network, MeasuringNetwork) else (image,)
        result: Tensor = network(*given)
        return result


@dataclass(frozen=True, kw_only=True)
class EmberExpansion(Learned):
    """The inverse response of the picture, and light rebuilt where its channels are clipped.

    The same picture gives the same light, whatever the machine has drawn before. What a clipped channel gets
    is an estimate of the likely light there; all else is the photograph, from whose codes noise and rounding
    are taken as far as `cleaning` allows; not with `response` srgb, and not from a panorama, which has to be
    the same on both sides of its edge.
    """

    model: ClassVar[str] = "ember"
    spec: ClassVar[MethodSpec] = ember.SPEC

    response: str = parameter(
        "estimated",
        "what codes mean: estimated, the light of the scene; srgb, the light of the screen, as it was seen",
        choices=("estimated", "srgb"),
    )
    highlights: float = parameter(1.0, "of the estimated stops above white", minimum=0.0, maximum=1.0)
    cleaning: float | None = parameter(
        None,
        "by how much noise, JPEG artefacts and rounding may be smoothed away; none: by 0.95 in pictures of "
        "up to 4 megapixels, not at all in larger ones",
        minimum=0.0,
        maximum=16.0,
        unit="codes of 8 bits",
    )
    peak: float | None = parameter(
        None,
        "luminance below which all light stays, white being 203; none: light as it was estimated",
        minimum=REFERENCE_WHITE,
        maximum=1e5,
        unit="cd/m²",
    )

    panorama: bool = parameter(
        False, "whether the right edge goes on at the left one, as in panoramas of 360°"
    )

    @property
    def wraps(self) -> bool:
        """Whether left and right edge meet."""
        return self.panorama

    @property
    def halo(self) -> int:
        """How far the cleaner looks, where there is any cleaning."""
        return super().halo if self._cleans else 0

    @property
    def _cleans(self) -> bool:
        """Whether there are pictures that are cleaned."""
        return self.cleaning != 0.0 and self.response == "estimated" and not self.panorama

    def _codes(self, image: Float[Tensor, "batch 3 height width"]) -> float:
        """By how much a picture of that size is cleaned."""
        if not self._cleans:
            return 0.0
        if self.cleaning is not None:
            return self.cleaning
        return ember.MOST_CODES if image.shape[-2] * image.shape[-1] <= _CLEANED_PIXELS else 0.0

    def network(self, image: Tensor) -> ember.Ember:
        """The network; see `Learned.network`."""
        network = super().network(image)
        assert isinstance(network, ember.Ember)
        return network

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The stops on a small copy, the curves, and by how many codes the picture is cleaned."""
        measured = self.network(image).measure(image, wraps=self.panorama)
        return measured | {"cleaning": image.new_full((len(image), 1, 1, 1), self._codes(image))}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Rebuild the light."""
        network = self.network(image)
        statistics = statistics or self.measure(image)
        stops = self._stops(image, statistics)
        if self.response == "srgb":
            light = srgb.eotf(image)
        else:
            codes = network.cleaned(image, codes=float(statistics["cleaning"].amax()))
            light = joint_lookup(codes, ember.measured_curves(statistics))
        light = network.rekindled(light, image, stops)
        return light if self.peak is None else _below(light, self.peak / REFERENCE_WHITE)

    def mask(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch masks height width"]:
        """How far each pixel is clipped, and how far its light is the photograph's own.

        Convention:  `clipped`: of its channels, the one that counts as clipped most; 0 the light is as it
            was photographed, 1 the channel is at its end. `confidence`: 2 to the power of minus the stops in
            doubt: one where a channel is clipped, and as many as were estimated; of the channel with most of
            them. 1 the photograph's own, 0.5 a stop in doubt, towards 0 all invented.
        """
        clipped = self.network(image).clipped(image)
        doubt = clipped * (1.0 + self._stops(image, statistics or self.measure(image)).abs())
        return torch.cat([clipped.amax(1, keepdim=True), torch.exp2(-doubt.amax(1, keepdim=True))], dim=1)

    def _stops(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics
    ) -> Float[Tensor, "batch 3 height width"]:
        """Those of every pixel of the image, or of the tile."""
        stops = enlarged(statistics["stops"], size=image.shape[-2:], wraps=self.panorama)
        return self.highlights * stops


def _below(
    light: Float[Tensor, "batch 3 height width"], peak: float
) -> Float[Tensor, "batch 3 height width"]:
    """Light whose brightest channel approaches the peak in the place of passing it; up to white as it was."""
    brightest = light.amax(1, keepdim=True).clamp(min=1.0)
    room = max(peak - 1.0, 1e-6)
    return light * ((1.0 + room * (1.0 - torch.exp((1.0 - brightest) / room))) / brightest)


@dataclass(frozen=True, kw_only=True)
class UNetExpansion(Learned):
    """Clipped highlights rebuilt by the worked example of a network."""

    model: ClassVar[str] = "unet"
    spec: ClassVar[MethodSpec] = unet.SPEC


@dataclass(frozen=True, kw_only=True)
class ItmnExpansion(Learned):
    """An HDR picture for PQ displays, which a network that had to deceive another one learnt to make."""

    model: ClassVar[str] = "itmn"
    spec: ClassVar[MethodSpec] = itmn.SPEC


@dataclass(frozen=True, kw_only=True)
class RassdlToneMapping(Learned):
    """Tone mapping by a network that learnt from many scenes and may go on learning on the one at hand.

    Departs from the published method, which takes all of what the network finds: a third to a half of it
    scores best in TMQI, for the whole makes plain surfaces harsh. `strength` 1 gives the published method.
    """

    model: ClassVar[str] = "rassdl"
    spec: ClassVar[MethodSpec] = rassdl.SPEC

    strength: float = parameter(
        0.3, "of what the network changes in the encoded light", minimum=0.0, maximum=1.0
    )
    adapt: int = parameter(0, "steps of training on the picture itself", minimum=0, maximum=10_000)
    features: str = parameter("", "file with the weights of VGG16 for `adapt`; without it, random ones")

    @torch.no_grad()
    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The statistics of the network, and with `adapt` the lightness of the whole picture."""
        network = self.network(image)
        assert isinstance(network, rassdl.Rassdl)
        statistics = network.measure(image)
        if self.adapt == 0:
            return statistics
        features = vgg16(Path(self.features) if self.features else None).to(image.device, image.dtype)
        lightness = []
        for encoded in torch.split(rassdl.encode(image, statistics), 1):
            learnt = adapted(network, encoded, steps=self.adapt, features=features)
            lightness.append(whole_lightness(learnt, encoded))
        return statistics | {"lightness": torch.cat(lightness)}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Tone map."""
        network = self.network(image)
        assert isinstance(network, rassdl.Rassdl)
        statistics = statistics or self.measure(image)
        encoded = rassdl.encode(image, statistics)
        lightness = statistics.get("lightness")
        if lightness is None:
            lightness = network.lightness(encoded)
        chosen = encoded.to(lightness.dtype).lerp(lightness, self.strength)
        result: Tensor = network(image, {**statistics, "lightness": chosen})
        return result


@dataclass(frozen=True, kw_only=True)
class SparamConvLstmExpansion(Learned):
    """An estimated inverse curve, and a recurrent network that reads the picture from bright to dark."""

    model: ClassVar[str] = "sparam_convlstm"
    spec: ClassVar[MethodSpec] = sparam_convlstm.SPEC


@dataclass(frozen=True, kw_only=True)
class DuhdrExpansion(Learned):
    """The way back through a camera, each step by a network that learnt together with its opposite."""

    model: ClassVar[str] = "duhdr"
    spec: ClassVar[MethodSpec] = duhdr.SPEC


@dataclass(frozen=True, kw_only=True)
class DuhdrImaging(Learned):
    """The picture that DuHDR's camera takes: truncation, then the response that a network finds."""

    model: ClassVar[str] = "duhdr"
    spec: ClassVar[MethodSpec] = duhdr_imaging.SPEC

    @property
    def halo(self) -> int:
        """How far the truncation looks."""
        return duhdr_imaging.HALO

    def network(self, image: Tensor) -> nn.Module:
        """The secondary path of the network."""
        network = super().network(image)
        assert isinstance(network, duhdr.DuHDR)
        return network.imaging


LEARNED: tuple[type[Learned], ...] = (
    EmberExpansion,
    UNetExpansion,
    ItmnExpansion,
    RassdlToneMapping,
    SparamConvLstmExpansion,
    DuhdrExpansion,
    DuhdrImaging,
)
"""The methods of the networks, the main one of each network first."""

SHIPPED: tuple[type[Learned], ...] = (
    EmberExpansion,
    ItmnExpansion,
    SparamConvLstmExpansion,
    DuhdrExpansion,
    RassdlToneMapping,
    DuhdrImaging,
)
"""Those with weights in `shipped/`, rows of the catalog."""


def load(name: str | Path) -> Learned:
    """The method with shipped weights of that name, or the method of a weight file.

    Args:
        name: "itmn", or a path that ends in `.safetensors`.

    Raises:
        MethodError: relume ships no such weights.
        UnreadableFile: the file is missing, damaged, or holds no weights of a network of this version.
    """
    if Path(name).suffix == ".safetensors":
        return load_method(Path(name))
    for method in SHIPPED:
        if method.spec.name == name:
            return method()
    shipped = ", ".join(method.spec.name for method in SHIPPED) or "none"
    raise MethodError(
        f"relume ships no weights for '{name}' (shipped: {shipped}); give the path of a .safetensors file."
    )


def load_method(path: Path) -> Learned:
    """The method of a weight file, ready for `relume.inference.runner.run`.

    Raises:
        UnreadableFile: missing, damaged, or not weights of a network of this version.
    """
    card = read_card(path)
    method = next(method for method in LEARNED if method.model == card.model)
    return method(weights=str(path))


@lru_cache(maxsize=_KEPT)
def _network(path: Path, model: str, device: torch.device, dtype: torch.dtype) -> nn.Module:
    network, card = load_weights(path)
    if card.model != model:
        raise MethodError(f"{path} holds weights of {card.model}; expected those of {model}.")
    return network.to(device, dtype)
