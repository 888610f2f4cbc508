"""Ultra HDR: what is written comes back, the photograph under it stays untouched, others read it as we do."""

import io
import shutil
import struct
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from PIL import ImageOps
from torch.testing import assert_close

from relume.color.encoding import DISPLAY_P3_ENCODED, SRGB, Encoding, Reference
from relume.color.luminance import luminance
from relume.color.primaries import ACES_AP0, ADOBE_RGB, BT709, BT2020, DISPLAY_P3, Primaries, convert
from relume.errors import EncodingError, RelumeError, UnreadableFile, UnsupportedFormat, UnwritableFile
from relume.image import Image, Metadata
from relume.io import icc
from relume.io.formats import WriteOptions, gain_map, ultrahdr
from relume.io.formats.jpeg_segments import APP1, APP2, segment, segments
from relume.io.probe import probe
from relume.io.read import read
from relume.io.write import check_holds, write

MUTATIONS = 400
EXPANDED = Encoding(BT709, "linear", Reference.SCENE, 203.0)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="as edited"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def ramp(height: int = 32, width: int = 256) -> torch.Tensor:
    """Neutral light from 0.2 to 985 cd/m², in stops evenly from left to right."""
    return torch.exp2(torch.linspace(-10.0, 2.28, width)).expand(3, height, width).contiguous()


def patches(size: int = 16) -> torch.Tensor:
    """Squares of eight colours in four luminances, up to 4 times white."""
    colours = torch.tensor(
        [
            (1, 1, 1),
            (1, 0.2, 0.1),
            (0.2, 1, 0.2),
            (0.1, 0.2, 1),
            (1, 1, 0.2),
            (1, 0.2, 1),
            (0.2, 1, 1),
            (0.8, 0.6, 0.5),
        ]
    ).T
    rows = torch.stack([colours * level for level in (0.05, 0.5, 1.0, 4.0)], dim=1)
    return rows.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)


def photograph(path: Path, **options: object) -> Path:
    """A JPEG file of 48 × 36 pixels as a camera makes it."""
    y, x = np.mgrid[:36, :48]
    samples = np.stack([x * 5, y * 7, 255 - 2 * (x + y)], axis=-1).astype(np.uint8)
    samples[4:20, 8:24] = 255
    Pillow.fromarray(samples).save(path, "JPEG", **{"quality": 88, "comment": b"a comment", **options})
    return path


def expanded(path: Path) -> Image:
    """Light of a photograph, brighter the brighter it was."""
    base = read(path, gain_map=False)
    light = base.to(base.encoding.linear).pixels
    return Image(light * (1.0 + 3.0 * light**2), replace(EXPANDED, primaries=base.encoding.primaries))


def errors(found: torch.Tensor, expected: torch.Tensor) -> tuple[float, float]:
    """Mean and largest relative error, of light above 1 % of white."""
    relative = ((found - expected).abs() / expected)[expected > 0.01]
    return float(relative.mean()), float(relative.max())


@pytest.mark.parametrize(
    ("light", "options", "mean", "most"),
    [
        (ramp(), WriteOptions(), 0.004, 0.03),
        (ramp(), WriteOptions(quality=100), 0.003, 0.01),
        (ramp(), WriteOptions(gain_map_channels=1), 0.004, 0.03),
        (ramp(), WriteOptions(gain_map_channels=1, gain_map_scale=4), 0.009, 0.07),
        (patches(), WriteOptions(), 0.005, 0.03),
        (patches(), WriteOptions(gain_map_scale=2), 0.02, 0.5),
        (patches(), WriteOptions(gain_map_channels=1), 0.02, 0.1),
    ],
)
def test_light_comes_back(
    tmp_path: Path, light: torch.Tensor, options: WriteOptions, mean: float, most: float
):
    write(tmp_path / "a.jpg", Image(light, EXPANDED), options=options)
    image = read(tmp_path / "a.jpg")
    assert image.encoding == Encoding(BT709, "linear", Reference.DISPLAY_ABSOLUTE, 203.0)
    found = errors(image.pixels, light)
    assert found[0] < mean
    assert found[1] < most


def test_one_channel_keeps_the_luminance_of_colours(tmp_path: Path):
    write(tmp_path / "a.jpg", Image(patches(), EXPANDED), options=WriteOptions(gain_map_channels=1))
    assert errors(luminance(read(tmp_path / "a.jpg").pixels), luminance(patches()))[0] < 0.015


def test_blacks_survive(tmp_path: Path):
    """0.01 cd/m² and 0 beside 812 cd/m² come back to within a step of the base, 0.06 cd/m²."""
    light = torch.tensor([0.0, 0.01 / 203, 4.0]).repeat_interleave(16).expand(3, 16, 48).contiguous()
    write(tmp_path / "a.jpg", Image(light, EXPANDED))
    assert_close(read(tmp_path / "a.jpg").pixels[:, :, :32], light[:, :, :32], rtol=0, atol=3e-4)


@pytest.mark.parametrize("encoding", [Encoding(BT2020, "pq", Reference.DISPLAY_ABSOLUTE, 10_000.0), EXPANDED])
def test_light_is_absolute_where_the_picture_is(tmp_path: Path, encoding: Encoding):
    nits = Image(ramp() * 203.0, Encoding(BT709, "linear", Reference.DISPLAY_ABSOLUTE, 1.0))
    write(tmp_path / "a.jpg", nits.to(encoding))
    image = read(tmp_path / "a.jpg")
    assert errors(image.to(nits.encoding).pixels, nits.pixels)[0] < 0.01


def test_highlights_roll_off_towards_the_peak(tmp_path: Path):
    light = ramp() * 4.0
    write(tmp_path / "a.jpg", Image(light, EXPANDED), options=WriteOptions(peak=600.0))
    image = read(tmp_path / "a.jpg")
    assert float(image.pixels.max()) * 203 == pytest.approx(600.0, rel=0.02)
    dark = light < 0.8
    assert errors(image.pixels[dark], light[dark])[0] < 0.01


@pytest.mark.parametrize(
    ("primaries", "written"),
    [
        (BT709, BT709),
        (DISPLAY_P3, DISPLAY_P3),
        (BT2020, BT2020),
        (ADOBE_RGB, DISPLAY_P3),
        (ACES_AP0, DISPLAY_P3),
    ],
)
def test_the_base_is_in_primaries_that_screens_know(tmp_path: Path, primaries: Primaries, written: Primaries):
    light = convert(patches(), BT709, primaries)
    write(tmp_path / "a.jpg", Image(light, replace(EXPANDED, primaries=primaries)))
    image = read(tmp_path / "a.jpg")
    assert image.encoding.primaries == probe(tmp_path / "a.jpg").encoding.primaries == written
    assert errors(convert(image.pixels, written, BT709), patches())[0] < 0.03


def test_colours_outside_the_gamut_are_moved_inside(tmp_path: Path):
    green = torch.tensor([-0.3, 2.0, -0.1]).view(3, 1, 1).expand(3, 16, 16)
    write(tmp_path / "a.jpg", Image(green.contiguous(), EXPANDED))
    image = read(tmp_path / "a.jpg")
    assert float(image.luminance().mean()) == pytest.approx(float(luminance(green).mean()), rel=0.03)


def test_infinite_light_is_as_bright_as_the_peak(tmp_path: Path):
    light = torch.full((3, 16, 32), 0.5)
    light[0, :, :16] = torch.inf
    light[1, :, :16] = -torch.inf
    write(tmp_path / "a.jpg", Image(light, EXPANDED))
    image = read(tmp_path / "a.jpg")
    assert image.pixels[0, :, :8].mean().item() * 203 == pytest.approx(1000.0, rel=0.05)
    assert image.pixels[:, :, 24:].mean().item() == pytest.approx(0.5, rel=0.03)


def test_without_light_above_white_it_is_a_plain_jpeg(tmp_path: Path):
    light = ramp().clamp(max=1.0)
    for name, image in (("hdr", Image(light, EXPANDED)), ("sdr", Image(light, SRGB))):
        write(tmp_path / f"{name}.jpg", image)
        assert not probe(tmp_path / f"{name}.jpg").encoding.is_hdr
    write(tmp_path / "clipped.jpg", Image(ramp(), EXPANDED), options=WriteOptions(clip=True))
    assert not probe(tmp_path / "clipped.jpg").encoding.is_hdr


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_photograph_stays_as_it_is_whichever_way_it_lies(tmp_path: Path, orientation: int):
    block = Pillow.Exif()
    block[0x0112] = orientation
    block[0x010F] = "Canon"
    source = photograph(tmp_path / "in.jpg", exif=block.tobytes())
    image = expanded(source)
    write(tmp_path / "out.jpg", image, options=WriteOptions(base=source))
    with Pillow.open(source) as before, Pillow.open(tmp_path / "out.jpg") as after:
        assert (np.asarray(before) == np.asarray(after)).all()
        assert after.getexif()[0x0112] == orientation
    assert errors(read(tmp_path / "out.jpg").pixels, image.pixels)[0] < 0.012
    assert read(tmp_path / "out.jpg").metadata.make == "Canon"


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0, "restart_marker_blocks": 2}]
)
def test_all_bytes_of_the_photograph_are_there(tmp_path: Path, options: dict[str, object]):
    profile = icc.build(DISPLAY_P3_ENCODED)
    source = photograph(tmp_path / "in.jpg", icc_profile=profile, xmp=XMP, **options)
    write(tmp_path / "out.jpg", expanded(source), options=WriteOptions(base=source))
    before, after = source.read_bytes(), (tmp_path / "out.jpg").read_bytes()
    assert before[before.index(b"\xff\xdb") :] in after
    assert read(tmp_path / "out.jpg", gain_map=False).encoding == DISPLAY_P3_ENCODED
    assert (read(tmp_path / "out.jpg", gain_map=False).pixels == read(source).pixels).all()
    with Pillow.open(tmp_path / "out.jpg") as picture:
        assert picture.info["icc_profile"] == profile
        assert b'dc:format="as edited"' in picture.info["xmp"]
        assert picture.info["comment"] == b"a comment"
    assert after.count(b"http://ns.adobe.com/xap/1.0/\0") == 2  # one packet for each picture, as XMP demands


def test_an_xmp_packet_without_room_is_kept_and_the_map_still_found(tmp_path: Path):
    packet = XMP.replace(b"as edited", b"x" * 64_900)
    source = photograph(tmp_path / "in.jpg", xmp=packet)
    write(tmp_path / "out.jpg", expanded(source), options=WriteOptions(base=source))
    assert packet in (tmp_path / "out.jpg").read_bytes()
    assert read(tmp_path / "out.jpg").is_hdr


def test_a_gain_map_that_the_photograph_had_is_replaced(tmp_path: Path):
    source = photograph(tmp_path / "in.jpg")
    first, second = tmp_path / "1.jpg", tmp_path / "2.jpg"
    image = expanded(source)
    write(first, image, options=WriteOptions(base=source))
    brighter = replace(image, pixels=image.pixels * 1.2)
    write(second, brighter, options=WriteOptions(base=first))
    assert errors(read(second).pixels, brighter.pixels)[0] < 0.012
    assert second.read_bytes().count(b"MPF\0") == 1
    assert second.read_bytes().count(b"\xff\xd8\xff") == 2


def test_stripped_of_all_that_tells_of_the_photograph(tmp_path: Path):
    block = Pillow.Exif()
    block[0x0112] = 6
    block[0x010F] = "Canon"
    profile = icc.build(DISPLAY_P3_ENCODED)
    source = photograph(tmp_path / "in.jpg", exif=block.tobytes(), xmp=XMP, icc_profile=profile)
    image = expanded(source)
    write(tmp_path / "out.jpg", image, options=WriteOptions(base=source, strip=True))
    data = (tmp_path / "out.jpg").read_bytes()
    assert all(text not in data for text in (b"Canon", b"as edited", b"a comment"))
    assert errors(read(tmp_path / "out.jpg").pixels, image.pixels)[0] < 0.012
    assert (read(tmp_path / "out.jpg", gain_map=False).pixels == read(source).pixels).all()


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_photographs_that_readers_of_gain_maps_cannot_use_are_made_rgb(tmp_path: Path, mode: str):
    with Pillow.open(photograph(tmp_path / "rgb.jpg")) as picture:
        picture.convert(mode).save(tmp_path / "in.jpg", quality=95)
    image = expanded(tmp_path / "in.jpg")
    write(tmp_path / "out.jpg", image, options=WriteOptions(base=tmp_path / "in.jpg"))
    assert probe(tmp_path / "out.jpg").channels == "RGB"
    shown, original = read(tmp_path / "out.jpg", gain_map=False), read(tmp_path / "in.jpg").to(SRGB)
    assert float((shown.pixels - original.pixels).abs().mean()) < 0.02
    imagecodecs.ultrahdr_decode((tmp_path / "out.jpg").read_bytes(), dtype="float16")


def test_a_base_of_another_format_or_in_memory(tmp_path: Path):
    base = read(photograph(tmp_path / "in.jpg"))
    write(tmp_path / "in.png", base)
    image = replace(expanded(tmp_path / "in.jpg"), metadata=Metadata(make="Canon"))
    for name, given in (("file", tmp_path / "in.png"), ("image", base), ("linear", base.to(SRGB.linear))):
        path = tmp_path / f"{name}.jpg"
        write(path, image, options=WriteOptions(base=given))
        assert errors(read(path).pixels, image.pixels)[0] < 0.02
        assert float((read(path, gain_map=False).pixels - base.pixels).abs().mean()) < 0.01
        assert read(path).metadata.make == "Canon"


def test_what_cannot_be_written_is_said(tmp_path: Path):
    source = photograph(tmp_path / "in.jpg")
    image = expanded(source)
    for base, problem, kind in (
        (
            Image(torch.zeros(3, 4, 4), SRGB),
            "SDR picture has 4 × 4 pixels and it has 48 × 36",
            UnwritableFile,
        ),
        (image, "the base is HDR", EncodingError),
        (tmp_path / "none.jpg", r"none\.jpg: no such file", UnreadableFile),
    ):
        with pytest.raises(kind, match=problem):
            write(tmp_path / "out.jpg", image, options=WriteOptions(base=base))
    (tmp_path / "cut.jpg").write_bytes(source.read_bytes()[:-200])
    with pytest.raises(UnreadableFile, match=r"cut\.jpg: is cut short"):
        write(tmp_path / "out.jpg", image, options=WriteOptions(base=tmp_path / "cut.jpg"))
    for options in (WriteOptions(gain_map_channels=2), WriteOptions(gain_map_scale=0)):
        with pytest.raises(UnwritableFile, match="expected 1 or 3 channels and 1 to 64"):
            write(tmp_path / "out.jpg", image, options=options)
    with pytest.raises(UnwritableFile, match=r"glass\.jpg: JPEG cannot hold .* partly transparent"):
        check_holds(tmp_path / "glass.jpg", replace(image, alpha=torch.full((1, 36, 48), 0.5)))
    with pytest.raises(UnsupportedFormat, match="no transfer 'pq'"):
        write(tmp_path / "out.jpg", image, options=WriteOptions(transfer="pq"))
    assert not (tmp_path / "out.jpg").exists()


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    """A small file with both forms of metadata and both ways to the map."""
    source = photograph(tmp_path / "whole-in.jpg")
    write(tmp_path / "whole.jpg", expanded(source), options=WriteOptions(base=source, gain_map_scale=2))
    return (tmp_path / "whole.jpg").read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b"MPF\0", b"XXX\0"),
        lambda data: data.replace(b'Semantic="GainMap"', b'Semantic="Unknown"'),
        lambda data: data.replace(b"MM\0*\0\0\0\x08", b"MM\0*\xff\xff\xff\xff"),
        lambda data: data.replace(b"urn:iso:std:iso:ts:21496:-1", b"urn:iso:std:iso:ts:00000:-0"),
        lambda data: data.replace(b"hdrgm:", b"other:"),
        lambda data: data.replace(b"21496:-1\0\0\0\0\0\xc0", b"21496:-1\0\0\1\0\0\xc0"),
    ],
)
def test_one_way_to_the_map_and_one_form_of_metadata_are_enough(
    tmp_path: Path, whole: bytes, damage: Callable[[bytes], bytes]
):
    assert damage(whole) != whole
    (tmp_path / "a.jpg").write_bytes(damage(whole))
    assert_close(read(tmp_path / "a.jpg").pixels, read(tmp_path / "whole.jpg").pixels, rtol=1e-5, atol=1e-6)


def test_a_directory_may_list_what_lies_behind_the_map(tmp_path: Path, whole: bytes):
    """A motion photo: the film is the last item."""
    film = b"\0\0\0\x18ftypmp42" + bytes(500)
    item = (
        b'<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="video/mp4" Item:Semantic="MotionPhoto" '
        b'Item:Length="%d"/></rdf:li></rdf:Seq>' % len(film)
    )
    first = next(part for part in segments(tmp_path, io.BytesIO(whole)) if b"<Container:" in part.payload)
    longer = segment(APP1, first.payload.replace(b"</rdf:Seq>", item))
    data = whole[: first.offset - 4] + longer + whole[first.offset + len(first.payload) :] + film
    (tmp_path / "a.jpg").write_bytes(data.replace(b"MPF\0", b"XXX\0"))
    assert (read(tmp_path / "a.jpg").pixels == read(tmp_path / "whole.jpg").pixels).all()


def test_without_its_map_it_is_the_photograph_and_info_says_so(tmp_path: Path, whole: bytes):
    second = whole.index(b"\xff\xd8\xff", 4)
    (tmp_path / "a.jpg").write_bytes(whole[:second])
    info, image = probe(tmp_path / "a.jpg"), read(tmp_path / "a.jpg")
    assert info.encoding == image.encoding == SRGB
    assert info.tags["gain map"].startswith("not used: there is none where the file says")


def test_a_map_that_is_cut_short_is_an_error_with_a_way_out(tmp_path: Path, whole: bytes):
    (tmp_path / "a.jpg").write_bytes(whole[:-50])
    with pytest.raises(UnreadableFile, match=r"its gain map is cut short .*gain_map=False"):
        read(tmp_path / "a.jpg")
    assert read(tmp_path / "a.jpg", gain_map=False).encoding == SRGB


def test_metadata_that_is_not_credible_leaves_the_photograph(tmp_path: Path, whole: bytes):
    at = whole.rindex(b"21496:-1\0") + 9 + 5
    broken = (whole[:at] + struct.pack(">II", 0, 0) + whole[at + 8 :]).replace(b"hdrgm:", b"other:")
    (tmp_path / "a.jpg").write_bytes(broken)
    assert (
        probe(tmp_path / "a.jpg").tags["gain map"] == "not used: the metadata of ISO 21496-1 divides by zero."
    )
    assert read(tmp_path / "a.jpg").encoding == SRGB


def test_a_map_larger_than_the_picture_is_not_used(tmp_path: Path):
    small, large = photograph(tmp_path / "in.jpg").read_bytes(), io.BytesIO()
    Pillow.new("L", (49, 36)).save(large, "JPEG")
    meaning = gain_map.GainMap(min_stops=(0.0,) * 3, max_stops=(1.0,) * 3, headroom=1.0)
    data = ultrahdr.assemble(tmp_path / "in.jpg", small, large.getvalue(), meaning)
    (tmp_path / "a.jpg").write_bytes(data)
    assert "49 × 36 values are more" in probe(tmp_path / "a.jpg").tags["gain map"]
    assert not read(tmp_path / "a.jpg").is_hdr


def test_a_map_in_primaries_of_its_own(tmp_path: Path):
    """An sRGB photograph with a map for P3: the light is that of P3, with twice its red."""
    base = io.BytesIO()
    Pillow.new("RGB", (16, 16), (200, 100, 50)).save(base, "JPEG", quality=100, subsampling=0)
    stored = io.BytesIO()
    Pillow.new("RGB", (8, 8), (255, 0, 0)).save(
        stored, "JPEG", quality=100, subsampling=0, icc_profile=icc.build(DISPLAY_P3_ENCODED)
    )
    meaning = gain_map.GainMap(
        min_stops=(0.0,) * 3, max_stops=(1.0, 0.999, 0.999), headroom=1.0, in_base_colors=False
    )
    data = ultrahdr.assemble(tmp_path / "a.jpg", base.getvalue(), stored.getvalue(), meaning)
    (tmp_path / "a.jpg").write_bytes(data)
    image, sdr = read(tmp_path / "a.jpg"), read(tmp_path / "a.jpg", gain_map=False)
    assert image.encoding.primaries == probe(tmp_path / "a.jpg").encoding.primaries == DISPLAY_P3
    p3 = sdr.to(DISPLAY_P3_ENCODED.linear).pixels.mean((1, 2))
    expected = [float(p3[0]) * 2 + 1 / 64, float(p3[1]), float(p3[2])]
    assert image.pixels.mean((1, 2)).tolist() == pytest.approx(expected, abs=0.01)


def test_info_tells_every_field_and_the_luminance_it_means(tmp_path: Path):
    light = torch.full((3, 16, 16), 1.0)
    light[:, :8] = 1000.0 / 203.0
    write(tmp_path / "a.jpg", Image(light, EXPANDED))
    info = probe(tmp_path / "a.jpg")
    assert info.format == "Ultra HDR JPEG"
    assert info.tags["gain map"] == "applied; 16 × 16, 3 channels, told as ISO 21496-1 and XMP"
    assert info.tags["headroom"].startswith("2.3 stops: the full effect needs a screen of 1000 cd/m²")
    assert {"gain", "gain map gamma", "gain map offsets", "gain map colours"} < info.tags.keys()
    # The top code is exactly the largest gain.
    assert float(read(tmp_path / "a.jpg").pixels.max()) * 203 == pytest.approx(1000.0, rel=2e-3)
    plain = probe(tmp_path / "a.jpg", gain_map=False)
    assert (plain.format, plain.encoding, plain.tags) == (
        "JPEG",
        SRGB,
        {"process": "baseline", "icc": "sRGB"},
    )


def test_libultrahdr_reads_ours_as_we_do(tmp_path: Path):
    source = photograph(tmp_path / "in.jpg", subsampling=0)
    for options in (WriteOptions(base=source), WriteOptions(gain_map_channels=1)):
        write(tmp_path / "a.jpg", expanded(source), overwrite=True, options=options)
        decoded = imagecodecs.ultrahdr_decode((tmp_path / "a.jpg").read_bytes(), dtype="float16")
        theirs = torch.from_numpy(decoded[..., :3].astype(np.float32)).permute(2, 0, 1)
        assert errors(read(tmp_path / "a.jpg").pixels, theirs)[0] < 0.015


def test_we_read_the_files_of_libultrahdr(tmp_path: Path):
    rgba = torch.cat([ramp(64), torch.ones(1, 64, 256)]).permute(1, 2, 0).numpy().astype(np.float16)
    (tmp_path / "a.jpg").write_bytes(
        imagecodecs.ultrahdr_encode(
            rgba, gamut=imagecodecs.ULTRAHDR.CG.BT_709, transfer=imagecodecs.ULTRAHDR.CT.LINEAR
        )
    )
    assert "told as ISO 21496-1" in probe(tmp_path / "a.jpg").tags["gain map"]
    mean, most = errors(read(tmp_path / "a.jpg").pixels, ramp(64))
    assert mean < 0.03
    assert most < 0.2


@pytest.mark.parametrize("name", ["01.jpg", "04.jpg"])
def test_photographs_of_a_telephone_are_read_as_libultrahdr_reads_them(shared: Path, name: str):
    path = shared / "data" / "ultrahdr" / name
    image = read(path)
    assert image.encoding.primaries == DISPLAY_P3
    decoded = imagecodecs.ultrahdr_decode(path.read_bytes(), dtype="float16")[::8, ::8, :3]
    theirs = torch.from_numpy(decoded.astype(np.float32)).permute(2, 0, 1)
    ours = image.pixels[:, ::8, ::8]
    bright = theirs > 0.02
    ratio = (ours / theirs)[bright]
    assert float(ratio.median()) == pytest.approx(1.0, abs=2e-3)
    # They sample the map by another rule, which shows along edges.
    assert float((ratio - 1.0).abs().mean()) < 0.015


def test_exiftool_sees_all_three_announcements(tmp_path: Path):
    if shutil.which("exiftool") is None:
        pytest.skip("needs exiftool (Debian: libimage-exiftool-perl)")
    source = photograph(tmp_path / "in.jpg")
    write(tmp_path / "a.jpg", expanded(source), options=WriteOptions(base=source))
    command = ["exiftool", "-a", "-G1", "-s", "-validate", "-warning", "-error", "-all", tmp_path / "a.jpg"]
    text = " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert "[XMP-hdrgm] Version : 1.0" in text
    assert "[XMP-Container] DirectoryItemSemantic : GainMap" in text
    length = len((tmp_path / "a.jpg").read_bytes())
    [first] = [int(part.split()[0]) for part in text.split("[MPImage1] MPImageLength : ")[1:]]
    [second] = [int(part.split()[0]) for part in text.split("[MPImage2] MPImageLength : ")[1:]]
    assert first + second == length
    assert f"[XMP-Container] DirectoryItemLength : {second}" in text
    assert "Error" not in text
    (tmp_path / "map.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[first:])
    command = ["exiftool", "-a", "-G1", "-s", "-XMP-hdrgm:all", tmp_path / "map.jpg"]
    text = " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    for name in ("GainMapMax", "Gamma", "OffsetSDR", "OffsetHDR", "HDRCapacityMax", "BaseRenditionIsHDR"):
        assert f"[XMP-hdrgm] {name} :" in text


def test_chromium_shows_the_photograph_that_came_in(tmp_path: Path):
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium (Debian package of that name)")
    block = Pillow.Exif()
    block[0x0112] = 6
    source = photograph(tmp_path / "in.jpg", exif=block.tobytes(), subsampling=0)
    write(tmp_path / "a.jpg", expanded(source), options=WriteOptions(base=source))
    (tmp_path / "a.html").write_text('<body style="margin:0"><img src="a.jpg" style="display:block">')
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"]
    options += ["--hide-scrollbars", "--window-size=600,400", f"--user-data-dir={tmp_path / 'profile'}"]
    shot = tmp_path / "shot.png"
    page = (tmp_path / "a.html").as_uri()
    subprocess.run(
        [program, *options, f"--screenshot={shot}", page], capture_output=True, timeout=90, check=True
    )
    with Pillow.open(shot) as picture, Pillow.open(source) as photo:
        expected = np.asarray(ImageOps.exif_transpose(photo)).astype(int)
        shown = np.asarray(picture.convert("RGB"))[: expected.shape[0], : expected.shape[1]]
    assert np.abs(shown - expected).max() <= 2


def test_mutated_files_give_a_picture_or_our_error(tmp_path: Path, whole: bytes):
    random = np.random.default_rng(8)
    second = whole.index(b"\xff\xd8\xff", 4)
    # Where the sizes, offsets and gains stand: before both pictures.
    places = [*range(2, 900), *range(second, second + 900)]
    path, outcomes = tmp_path / "in.jpg", Counter[str]()
    for _ in range(MUTATIONS):
        changed = bytearray(whole)
        for place in random.choice(places, random.choice([1, 2, 8])):
            changed[place] = random.choice([0, 1, 127, 255, *b"09", changed[place] ^ 1])
        path.write_bytes(changed[: random.integers(2, len(whole))] if random.random() < 0.1 else changed)
        try:
            image = read(path)
        except RelumeError as error:
            outcomes["type error" if "Type-check" in str(error) else "refused"] += 1
        else:
            assert bool(image.pixels.isfinite().all())
            outcomes["light" if image.is_hdr else "photograph"] += 1
            assert probe(path).encoding == image.encoding
    assert outcomes.keys() == {"refused", "light", "photograph"}


@pytest.mark.parametrize("order", ["<", ">"])
def test_indices_of_strangers_are_bounded(tmp_path: Path, order: str):
    """Counts, offsets and lengths beyond everything: nothing is found, and that soon."""
    picture = photograph(tmp_path / "in.jpg").read_bytes()
    mark = b"II*\0" if order == "<" else b"MM\0*"
    told = segment(APP2, ultrahdr.ISO_PREFIX + bytes(4))
    for start, count, length, place, size, offset in (
        (8, 65535, 2**32 - 1, 0, 2**32 - 1, 2**32 - 1),
        (2**32 - 1, 1, 32, 26, 100, 100),
        (8, 1, 32, 26, 2**32 - 1, 0),
        (8, 1, 2**32 - 16, 2**32 - 16, 0, 1),
        (8, 1, 32, 26, 1, 2),
    ):
        index = b"MPF\0" + mark + struct.pack(order + "I", start)
        index += struct.pack(order + "HHHIII", count, 0xB002, 7, length, place, 0)
        index += struct.pack(order + "IIIHH", 0, size, offset, 0, 0) * 2
        (tmp_path / "a.jpg").write_bytes(picture[:2] + told + segment(APP2, index) + picture[2:])
        assert read(tmp_path / "a.jpg").encoding == SRGB
        assert probe(tmp_path / "a.jpg").tags["gain map"].startswith("not used")


@pytest.mark.parametrize("length", ["-5", "0", "99999999999999999999", "1e3", "x", ""])
def test_lengths_of_a_strange_directory_lead_nowhere(tmp_path: Path, whole: bytes, length: str):
    picture = photograph(tmp_path / "in.jpg").read_bytes()
    [packet] = [
        part.payload
        for part in segments(tmp_path, io.BytesIO(whole))
        if part.marker == APP1 and part.payload.startswith(ultrahdr.XMP_PREFIX)
    ]
    before, _, after = packet.partition(b'Item:Length="')
    packet = before + b'Item:Length="' + length.encode() + after[after.index(b'"') :]
    (tmp_path / "a.jpg").write_bytes(picture[:2] + segment(APP1, packet) + picture[2:])
    assert read(tmp_path / "a.jpg").encoding == SRGB
