"""`relume convert`: the same light in another format."""

from pathlib import Path

from relume.cli.options import Flag


def convert(
    source: Path,
    target: Path,
    /,
    *,
    depth: int | None = None,
    quality: int = 95,
    transfer: str | None = None,
    primaries: str | None = None,
    peak: float | None = None,
    reference_white: float | None = None,
    gain_map_channels: int = 3,
    gain_map_scale: int = 1,
    ignore_gain_map: Flag = False,
    strip: Flag = False,
    overwrite: Flag = False,
    force: Flag = False,
) -> int:
    """Write a picture in another format, with the same light.

    In a file for HDR screens (AVIF, PNG, HEIC, JPEG XL, JPEG with a gain map) highlights roll off towards
    --peak. Light above white makes a JPEG an Ultra HDR one, which ordinary screens show as `relume tonemap`
    makes it. In the other formats for ordinary screens it has no room: that needs `relume tonemap`, or
    --force to clip it.

    Args:
        source: the picture to read.
        target: the file to write; its suffix says the format.
        depth: bits per channel: EXR 16 or 32, TIFF and JPEG XL 8, 16 or 32, PNG 8 or 16, AVIF and HEIC 8, 10
            or 12.
        quality: of JPEG, AVIF, HEIC and JPEG XL, 1 to 100.
        transfer: curve of files for HDR screens: pq (default) or hlg, of JPEG XL also linear; with it an SDR
            picture becomes one too.
        primaries: bt709, p3, bt2020 (default for HDR screens), aces-ap0 or aces-ap1.
        peak: luminance in cd/m² of the screens that such a file is for; 1000 unless given.
        reference_white: luminance in cd/m² of 1.0, where the picture does not say.
        gain_map_channels: of JPEG with a gain map, 3, or 1 for less data and hues of the SDR picture.
        gain_map_scale: of JPEG with a gain map, pixels each way that share a value of the map.
        ignore_gain_map: take the SDR picture of a photograph that has a gain map.
        strip: leave out date, place, camera, description and copyright.
        overwrite: replace a file that exists.
        force: clip light that the format has no room for.
    """
    from dataclasses import replace

    from relume.batch.jobs import plan
    from relume.image import Metadata
    from relume.inference.apply import tonemap
    from relume.inference.memory import check_memory, needed_bytes
    from relume.io.formats.format import SCREEN_PEAK, WriteOptions
    from relume.io.probe import probe
    from relume.io.read import read
    from relume.io.write import check_holds, check_writable, needs_base, sdr_encoding, write

    [job] = plan([str(source)], target, suffix=source.suffix, accept=lambda path: True)
    options = WriteOptions(
        depth=depth,
        quality=quality,
        transfer=transfer,
        primaries=primaries,
        peak=SCREEN_PEAK if peak is None else peak,
        clip=force,
        gain_map_channels=gain_map_channels,
        gain_map_scale=gain_map_scale,
        strip=strip,
    )
    check_writable(job.target, overwrite=overwrite, options=options)
    info = probe(source)
    needed = needed_bytes(None, info.height, info.width)
    check_memory(needed, None, what=f"{source} ({info.width} × {info.height})")
    image = read(source, gain_map=not ignore_gain_map)
    check_holds(job.target, image)
    if reference_white is not None and image.encoding.white is None:
        image = image.assume(replace(image.encoding, white=reference_white))
    if strip:
        image = replace(image, metadata=Metadata())
    if needs_base(job.target, image, options):
        options = replace(options, base=tonemap(image, output=sdr_encoding(image, options), force=True))
    write(job.target, image, overwrite=overwrite, options=options)
    return 0
