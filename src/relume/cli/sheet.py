"""Contact sheets: pictures in a grid, each with what it is written above."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image as Pillow
from PIL import ImageDraw
from PIL.ImageFont import FreeTypeFont, load_default
from PIL.ImageFont import ImageFont as BitmapFont

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE, SRGB
from relume.image import Image

_GAP, _TITLE, _FONT_SIZE = 8, 28, 16
_GROUND, _INK = (24, 24, 24), (230, 230, 230)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One picture of a sheet."""

    caption: str
    codes: np.ndarray
    """8-bit sRGB codes (height, width, 3)."""


def darkened(image: Image, stops: float) -> Image:
    """What a shorter exposure of the picture shows on an ordinary screen.

    Convention:  1.0 of the picture, once linear, is the white of the screen at 0 stops; above it is clipped.
    """
    light = image.to(LINEAR_SCENE).pixels * 2.0**stops
    return replace(image, pixels=light.clamp(0.0, 1.0), encoding=LINEAR_DISPLAY).to(SRGB)


def tile(caption: str, image: Image, *, width: int | None = None) -> Tile:
    """A picture for screens as a tile, reduced to a width if it is wider.

    Args:
        image: encoded for an sRGB screen; what is beyond 0..1 is clipped.
    """
    picture = Pillow.fromarray((image.numpy() * 255.0).round().clip(0, 255).astype(np.uint8))
    if width is not None and picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Pillow.Resampling.LANCZOS)
    return Tile(caption=caption, codes=np.asarray(picture))


def contact_sheet(tiles: Sequence[Tile], *, columns: int) -> Image:
    """The tiles line by line, sRGB-encoded; captions too long for their tile are cut."""
    height = max(item.codes.shape[0] for item in tiles)
    width = max(item.codes.shape[1] for item in tiles)
    lines = -(-len(tiles) // columns)
    size = (_GAP + min(columns, len(tiles)) * (width + _GAP), lines * (height + _TITLE) + _GAP)
    sheet = Pillow.new("RGB", size, _GROUND)
    draw = ImageDraw.Draw(sheet)
    font = load_default(_FONT_SIZE)
    for index, item in enumerate(tiles):
        line, column = divmod(index, columns)
        left, top = _GAP + column * (width + _GAP), line * (height + _TITLE)
        draw.text((left, top + 5), _fitting(item.caption, width, font), fill=_INK, font=font)
        sheet.paste(Pillow.fromarray(item.codes), (left, top + _TITLE))
    return Image(torch.from_numpy(np.asarray(sheet, dtype=np.float32) / 255.0).permute(2, 0, 1), SRGB)


def _fitting(text: str, width: int, font: FreeTypeFont | BitmapFont) -> str:
    """The text, or as much of its beginning as the width has room for."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
