"""`relume demo`: both directions on a real photograph that an installed library brings along."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from relume.cli.options import Flag

if TYPE_CHECKING:
    from torch import Tensor

    from relume.image import Image

# A night launch whose flames are burnt out. Public domain (SpaceX); scikit-image ships it.
PHOTOGRAPH = "rocket.jpg"

STOPS = (0, -2, -3)


def demo(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])] = Path("relume-demo"),
    overwrite: Flag = False,
) -> int:
    """Show both directions on a real photograph.

    A photograph with burnt-out flames becomes an HDR picture (OpenEXR), and that becomes a picture for
    ordinary screens again. One more file shows them side by side: the photograph and its expansion, each
    darkened by 0, 2 and 3 stops, and the tone-mapped result.

    Args:
        output: the folder for the results.
        overwrite: replace files that exist.
    """
    from relume.cli.apply import make_folder
    from relume.color.encoding import SRGB
    from relume.image import Image
    from relume.inference.apply import expand, tonemap
    from relume.io.read import read
    from relume.io.write import check_writable, write

    names = ("photograph.png", "expanded.exr", "tonemapped.png", "side-by-side.png")
    paths = [output / name for name in names]
    make_folder(output)
    for path in paths:
        check_writable(path, overwrite=overwrite)
    photograph = read(_installed(PHOTOGRAPH))
    expanded = expand(photograph)
    tonemapped = tonemap(expanded)
    rows = [
        ("photograph", [*(_darkened(photograph, stops) for stops in STOPS), _darkened(photograph, 0)]),
        ("expanded", [*(_darkened(expanded, stops) for stops in STOPS), tonemapped]),
    ]
    sheet = Image(_sheet(rows), SRGB)
    for path, image in zip(paths, (photograph, expanded, tonemapped, sheet), strict=True):
        write(path, image, overwrite=overwrite)
        print(path)
    return 0


def _installed(name: str) -> Path:
    """The path of a photograph in the data folder of scikit-image."""
    import skimage.data

    return Path(skimage.data.__file__).parent / name


def _darkened(image: "Image", stops: int) -> "Image":
    """What a shorter exposure of the picture shows on an ordinary screen."""
    from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE, SRGB

    light = image.to(LINEAR_SCENE).pixels * 2.0**stops
    return replace(image, pixels=light.clamp(0.0, 1.0), encoding=LINEAR_DISPLAY).to(SRGB)


def _sheet(rows: "list[tuple[str, list[Image]]]") -> "Tensor":
    """The pictures in a grid, each with what it shows written above; (3, height, width), sRGB-encoded."""
    import numpy as np
    import torch
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    first = rows[0][1][0]
    gap, title = 8, 28
    columns, lines = len(rows[0][1]), len(rows)
    size = (gap + columns * (first.width + gap), lines * (first.height + title) + gap)
    sheet = Pillow.new("RGB", size, (24, 24, 24))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(16)
    captions = [f"{stops:+d} stops" if stops else "as it is" for stops in STOPS]
    last = {"photograph": "photograph", "expanded": "expanded, then tone mapped"}
    for line, (name, images) in enumerate(rows):
        for column, image in enumerate(images):
            left = gap + column * (first.width + gap)
            top = line * (first.height + title)
            text = f"{name}, {captions[column]}" if column < len(captions) else last[name]
            draw.text((left, top + 5), text, fill=(230, 230, 230), font=font)
            codes = (image.numpy() * 255.0).round().clip(0, 255).astype(np.uint8)
            sheet.paste(Pillow.fromarray(codes), (left, top + title))
    return torch.from_numpy(np.asarray(sheet, dtype=np.float32) / 255.0).permute(2, 0, 1)
