"""VGG16 as a supply of features, with ImageNet's weights where they are at hand, else with random ones.

The weights are those of torchvision's `vgg16`, which we may not ship. `vgg16(path)` reads them from

    vgg16-397923af.pth    the file that torchvision downloads, known by the hash that its name carries, and
                          read by torch's restricted loader, which makes tensors and runs no code
    *.safetensors         the same state dict, converted by anyone

Without a file, `vgg16(None)` draws the weights from a fixed seed (He's initialisation): features of random
filters at several scales, in which edges and textures differ when they differ in the picture, though they
know nothing of objects. Which of the two was used stands in the recipe and so on the card of the weights.

References:  [simonyan2015] for the network, [he2016random] for random weights.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from relume.errors import UnreadableFile

# The beginning of the SHA-256 of torchvision's file.
_TORCHVISION_HASH = "397923af"
_RANDOM_SEED = 16

# Convolutions by block, and what torchvision's state dict calls them ("features.0", "features.2", ...).
_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_NUMBERS = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))


class Vgg16(nn.Module):
    """The convolutions of VGG16, frozen, as a supply of features; made by `vgg16`.

    Convention:  (batch, 3, height, width), RGB in the domain that the caller chooses, usually encoded 0..1;
    at least 16 pixels in each direction.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        """Where the weights are from."""
        channels = 3
        for block, widths in enumerate(_BLOCKS, start=1):
            for number, width in enumerate(widths, start=1):
                self.add_module(f"conv{block}_{number}", nn.Conv2d(channels, width, 3, padding=1))
                channels = width

    def forward(
        self, image: Float[Tensor, "batch 3 height width"], layers: frozenset[str]
    ) -> dict[str, Float[Tensor, "batch channels rows columns"]]:
        """The activations after the named layers ("relu1_2"), computed no further than needed."""
        features, found = image, {}
        for block, widths in enumerate(_BLOCKS, start=1):
            for number, _ in enumerate(widths, start=1):
                features = functional.relu(self.get_submodule(f"conv{block}_{number}")(features))
                if f"relu{block}_{number}" in layers:
                    found[f"relu{block}_{number}"] = features
                if len(found) == len(layers):
                    return found
            features = functional.max_pool2d(features, 2)
        raise ValueError(f"VGG16 has no layers {sorted(layers - set(found))}; expected names like relu3_3.")

    def extra_repr(self) -> str:
        """Where the weights are from."""
        return self.source


def vgg16(path: Path | None) -> Vgg16:
    """VGG16 with the weights of a file, or with random ones from a fixed seed.

    Raises:
        UnreadableFile: missing, a pickle other than torchvision's own, or not the weights of VGG16.
    """
    if path is None:
        network = Vgg16(f"random weights, seed {_RANDOM_SEED}")
        generator = torch.Generator().manual_seed(_RANDOM_SEED)
        for parameter in network.parameters():
            if parameter.ndim == 4:
                nn.init.kaiming_normal_(parameter, generator=generator)
            else:
                nn.init.zeros_(parameter)
    else:
        network = Vgg16(f"weights of {path.name}")
        _fill(network, _state(path), path)
    return network.eval().requires_grad_(False)


def _state(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        if hashlib.sha256(path.read_bytes()).hexdigest().startswith(_TORCHVISION_HASH):
            state: dict[str, Tensor] = torch.load(path, weights_only=True)
            return state
    except (OSError, SafetensorError) as error:
        raise UnreadableFile(path, f"cannot be read as weights of VGG16 ({error}).") from error
    raise UnreadableFile(
        path,
        "is not torchvision's vgg16-397923af.pth; relume opens no other pickle: convert it to safetensors.",
    )


def _fill(network: Vgg16, state: Mapping[str, Tensor], path: Path) -> None:
    """Put torchvision's tensors where ours are."""
    try:
        for block, numbers in enumerate(_NUMBERS, start=1):
            for number, theirs in enumerate(numbers, start=1):
                layer = network.get_submodule(f"conv{block}_{number}")
                weights = {kind: state[f"features.{theirs}.{kind}"] for kind in ("weight", "bias")}
                layer.load_state_dict(weights)
    except (KeyError, RuntimeError) as error:
        raise UnreadableFile(path, f"does not hold torchvision's VGG16 ({error}).") from error
