"""The networks: one table, name → how to build it, in which sizes, and what it is as a method.

`build` gives the bare module with fresh weights; `relume.models.weights` saves and loads trained ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from relume.errors import MethodError
from relume.method import MethodSpec
from relume.models import ember, itmn, rassdl, sparam_convlstm, unet
from relume.models.duhdr import network as duhdr


@dataclass(frozen=True, kw_only=True)
class Model:
    """One row: a network, the sizes it comes in, and what a runner must know of it."""

    network: Callable[[Any], nn.Module]
    """Its class, built from a configuration."""
    presets: Mapping[str, Any]
    """Configurations by name."""
    spec: MethodSpec
    halo: int
    """How many pixels around a tile the result depends on."""


MODELS = {
    "ember": Model(network=ember.Ember, presets=ember.PRESETS, spec=ember.SPEC, halo=ember.HALO),
    "itmn": Model(network=itmn.Itmn, presets=itmn.PRESETS, spec=itmn.SPEC, halo=itmn.HALO),
    "duhdr": Model(network=duhdr.DuHDR, presets=duhdr.PRESETS, spec=duhdr.SPEC, halo=duhdr.HALO),
    "rassdl": Model(network=rassdl.Rassdl, presets=rassdl.PRESETS, spec=rassdl.SPEC, halo=rassdl.HALO),
    "sparam_convlstm": Model(
        network=sparam_convlstm.SparamConvLstm,
        presets=sparam_convlstm.PRESETS,
        spec=sparam_convlstm.SPEC,
        halo=sparam_convlstm.HALO,
    ),
    "unet": Model(network=unet.UNet, presets=unet.PRESETS, spec=unet.SPEC, halo=unet.HALO),
}


def build(name: str, *, preset: str) -> nn.Module:
    """A network of the table with fresh weights, drawn from torch's global generator.

    Raises:
        MethodError: no such network, or no such preset.
    """
    require_preset(name, preset)
    model = find(name)
    return model.network(model.presets[preset])


def require_preset(name: str, preset: str) -> None:
    """See that there is a network of that name in that size.

    Raises:
        MethodError: no such network, or no such preset.
    """
    presets = find(name).presets
    if preset not in presets:
        raise MethodError(f"{name} has no preset '{preset}'; expected one of {', '.join(presets)}.")


def find(name: str) -> Model:
    """The row of that name.

    Raises:
        MethodError: no such network.
    """
    if name not in MODELS:
        raise MethodError(f"there is no network '{name}'; expected one of {', '.join(MODELS)}.")
    return MODELS[name]
