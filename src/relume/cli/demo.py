"""`relume demo`: both directions on a real photograph that an installed library brings along."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from relume.cli.options import Flag

if TYPE_CHECKING:
    from relume.cli.sheet import Tile
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
    from relume.cli.sheet import contact_sheet, tile
    from relume.color.encoding import SRGB
    from relume.inference.apply import expand, tonemap
    from relume.io.read import read
    from relume.io.write import check_writable, write

    names = ("photograph.png", "expanded.exr", "tonemapped.png", "side-by-side.png")
    paths = [output / name for name in names]
    make_folder(output)
    for path in paths:
        check_writable(path, overwrite=overwrite)
    photograph = read(_installed(PHOTOGRAPH))
    # As the screen showed it, with its lights lit up: it is shown beside the photograph.
    expanded = expand(photograph, parameters={"response": "srgb"})
    tonemapped = tonemap(expanded)
    tiles = [
        *_exposures("photograph", photograph),
        tile("photograph", photograph.to(SRGB)),
        *_exposures("expanded", expanded),
        tile("expanded, then tone mapped", tonemapped),
    ]
    sheet = contact_sheet(tiles, columns=len(STOPS) + 1)
    for path, image in zip(paths, (photograph, expanded, tonemapped, sheet), strict=True):
        write(path, image, overwrite=overwrite)
        print(path)
    return 0


def _installed(name: str) -> Path:
    """The path of a photograph in the data folder of scikit-image."""
    import skimage.data

    return Path(skimage.data.__file__).parent / name


def _exposures(name: str, image: "Image") -> "list[Tile]":
    from relume.cli.sheet import darkened, tile

    captions = [f"{name}, {stops:+d} stops" if stops else f"{name}, as it is" for stops in STOPS]
    return [tile(caption, darkened(image, stops)) for caption, stops in zip(captions, STOPS, strict=True)]
