#!/usr/bin/env python3
"""Draw the pictures of docs/methods.md and the README's first: what the default of `expand` does.

    python scripts/methods_pictures.py            # all of them, a few seconds
    python scripts/methods_pictures.py NAME ...   # some of them

Photographs are those that scikit-image ships; scenes with known light are synthetic ones of
relume.data.synthetic, taken with the camera `relume`. So anyone can draw the pictures again.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image as Pillow

from relume.camera import presets
from relume.cli.sheet import Tile, contact_sheet, darkened, tile
from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.data.synthetic import synthetic_scene
from relume.image import Image
from relume.inference.apply import expand
from relume.io.read import read

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
QUALITY = 82
SCENE_SIZE = (240, 360)
BRIGHT = 4.0
"""Mean of the channels above which the light of a known scene is compared with its expansion, in numbers."""


@dataclass(frozen=True, kw_only=True)
class Photograph:
    """A photograph as it came and as it was expanded, at several exposures."""

    file: str
    response: str = "srgb"
    stops: Sequence[int] = (0, -2, -3)
    width: int = 320

    def tiles(self) -> list[Tile]:
        """The photograph, and under it its expansion."""
        photograph = read(Path(skimage.data.__file__).parent / self.file)
        expanded = expand(photograph, parameters={"response": self.response})
        return [
            *_exposures("photograph", photograph, self.stops, self.width),
            *_exposures("expanded", expanded, self.stops, self.width),
        ]


@dataclass(frozen=True, kw_only=True)
class KnownLight:
    """A synthetic scene: the picture of it, its expansion and the light itself, at several exposures."""

    kind: str
    seed: int
    stops: Sequence[int] = (0, -3, -5)
    width: int = 240

    def tiles(self) -> list[Tile]:
        """The picture, its expansion, the truth."""
        generator = torch.Generator().manual_seed(self.seed)
        scene = synthetic_scene(size=SCENE_SIZE, generator=generator, kind=self.kind)
        shot = presets.find("relume")(scene[None], generator=generator)
        photograph, light = Image(shot.sdr[0], SRGB), Image(shot.sensor[0], LINEAR_SCENE)
        expanded = expand(photograph)
        bright = light.pixels.mean(0) > BRIGHT
        for name, image in (("the light", light), ("expanded", expanded)):
            stops = image.pixels.mean(0)[bright].log2()
            print(f"{name}: {stops.median():.1f} stops above white in the median, {stops.max():.1f} at most")
        return [
            *_exposures("picture", photograph, self.stops, self.width),
            *_exposures("expanded", expanded, self.stops, self.width),
            *_exposures("the light", light, self.stops, self.width),
        ]


PICTURES: dict[str, Photograph | KnownLight] = {
    "rocket": Photograph(file="rocket.jpg", width=400),
    "lights": KnownLight(kind="night", seed=0),
    "lamp": KnownLight(kind="indoor", seed=2),
    "stars": Photograph(file="hubble_deep_field.jpg", response="estimated"),
}


def _exposures(name: str, image: Image, stops: Sequence[int], width: int) -> list[Tile]:
    captions = [f"{name}, {stop:+d} stops" if stop else name for stop in stops]
    return [
        tile(caption, darkened(image, stop), width=width)
        for caption, stop in zip(captions, stops, strict=True)
    ]


def draw(name: str) -> Path:
    """Draw one picture and return its path."""
    picture = PICTURES[name]
    sheet = contact_sheet(picture.tiles(), columns=len(picture.stops))
    target = IMAGES / f"{name}.jpg"
    codes = (sheet.numpy() * 255.0).round().astype(np.uint8)
    Pillow.fromarray(codes).save(target, quality=QUALITY, optimize=True)
    return target


def main() -> None:
    """Draw what the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[*PICTURES, []], metavar="NAME")
    for name in parser.parse_args().names or PICTURES:
        print(draw(name))


if __name__ == "__main__":
    main()
