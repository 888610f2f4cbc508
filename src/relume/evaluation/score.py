"""One number: a prediction and its reference, by a metric, under a protocol, on a display."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from relume.errors import EncodingError, ImageError, MethodError
from relume.evaluation.display import Light, codes_of, light_of
from relume.evaluation.protocols import PROTOCOLS, Protocol
from relume.image import Image
from relume.metrics import Metric, Operands, Viewing

ALIGNABLE = (Operands.HDR,)
"""Only here is there a reference in the same kind of light that a prediction can be aligned to."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """A number and the words without which it means nothing."""

    metric: str
    protocol: str
    value: float
    described: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Named:
    """A picture and what error messages call it."""

    image: Image
    name: str


def protocols_of(metric: Metric, protocols: tuple[Protocol, ...]) -> tuple[Protocol, ...]:
    """The protocols under which a metric is taken: metrics without two HDR pictures know none."""
    return protocols if metric.spec.operands in ALIGNABLE else (PROTOCOLS["none"],)


def score(
    prediction: Named,
    reference: Named | None,
    *,
    metric: Metric,
    protocol: Protocol,
    viewing: Viewing,
    reference_white: float | None = None,
) -> Score:
    """The value of a metric, with the string that tells how it was taken.

    Convention:  metrics in absolute units see what a display of that peak shows; those in any unit see the
    light uncut, and two relative pictures as they are.

    Raises:
        ImageError: an SDR picture for a metric of HDR light or the reverse, sizes that differ, pictures too
            small, NaN in them or in the result.
        EncodingError: relative light where cd/m² are needed.
        MethodError: a metric that does not compare pictures of this kind, or none to compare with.
    """
    left, right = _operands(prediction, reference, metric, protocol, viewing, reference_white)
    with torch.no_grad():
        value = float(metric.score(left, right, viewing))
    if math.isnan(value):
        raise ImageError(f"{prediction.name}: {metric.spec.name} gives no number (NaN) for this picture.")
    return Score(
        metric=metric.spec.name,
        protocol=protocol.name,
        value=value,
        described=metric.described(viewing, alignment=protocol.described()),
    )


def _operands(
    prediction: Named,
    reference: Named | None,
    metric: Metric,
    protocol: Protocol,
    viewing: Viewing,
    reference_white: float | None,
) -> tuple[Tensor, Tensor | None]:
    spec = metric.spec
    _require_size(prediction, spec.minimum_size, spec.name)
    if spec.operands is Operands.CLIP:
        raise MethodError(f"{spec.name} measures clips; `relume evaluate` compares single pictures.")
    if spec.operands is Operands.HDR_ALONE:
        light = light_of(prediction.image, name=prediction.name, reference_white=reference_white)
        _require_absolute(light, prediction.name, spec.absolute, metric, protocol)
        return light.pixels.clamp(max=viewing.peak) if spec.absolute else light.pixels, None
    if reference is None:
        raise MethodError(f"{spec.name} needs a reference, and there is none for {prediction.name}.")
    _require_same_size(prediction, reference)
    target = light_of(reference.image, name=reference.name, reference_white=reference_white)
    if spec.operands is Operands.TONE_MAPPING:
        _require_absolute(target, reference.name, spec.absolute, metric, protocol)
        return codes_of(prediction.image, name=prediction.name), target.pixels
    light = light_of(prediction.image, name=prediction.name, reference_white=reference_white)
    curve = protocol.absolute_whatever_metric
    _require_absolute(
        light, prediction.name, curve or (spec.absolute and protocol.absolute_prediction), metric, protocol
    )
    _require_absolute(
        target, reference.name, curve or (spec.absolute and protocol.absolute_reference), metric, protocol
    )
    if light.absolute != target.absolute and protocol.name == "none":
        relative = prediction if target.absolute else reference
        raise EncodingError(
            f"{relative.name}: holds relative light and the other picture cd/m²; say what 1.0 is "
            "(--reference-white 203), or align them (--protocol gain)."
        )
    return protocol.align(light.pixels, target.pixels, viewing.peak if spec.absolute else math.inf)


def _require_absolute(light: Light, name: str, needed: bool, metric: Metric, protocol: Protocol) -> None:
    if needed and not light.absolute:
        asking = metric.spec.name if metric.spec.absolute else f"the protocol {protocol.name}"
        raise EncodingError(
            f"{name}: holds relative light, and {asking} needs cd/m²; say what 1.0 is, for example "
            "--reference-white 203."
        )


def _require_same_size(prediction: Named, reference: Named) -> None:
    left, right = prediction.image, reference.image
    if left.pixels.shape != right.pixels.shape:
        raise ImageError(
            f"{prediction.name}: is {left.width} × {left.height} and {reference.name} "
            f"{right.width} × {right.height}; expected two pictures of the same size."
        )


def _require_size(picture: Named, minimum: int, metric: str) -> None:
    if min(picture.image.height, picture.image.width) < minimum:
        raise ImageError(
            f"{picture.name}: is {picture.image.width} × {picture.image.height}; {metric} needs at least "
            f"{minimum} × {minimum} pixels."
        )
