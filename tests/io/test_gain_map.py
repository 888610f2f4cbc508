"""Gain maps: both forms of their metadata, what is refused in them, and the arithmetic."""

import math
import struct
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from relume.color.luminance import BT709_WEIGHTS, luminance
from relume.errors import EncodingError
from relume.io.formats import gain_map
from relume.io.formats.gain_map import GainMap

MUTATIONS = 4000
NASTY = [0, 1, 127, 128, 255, *b'0123456789-.e<"&']

COLOURED = GainMap(
    min_stops=(-0.5, -0.25, 0.0),
    max_stops=(2.0, 2.5, 3.25),
    gamma=(1.0, 0.5, 2.0),
    base_offset=(1 / 64, 1 / 32, 0.0),
    alternate_offset=(1 / 64, -1 / 128, 0.125),
    base_headroom=0.25,
    headroom=3.5,
)
GREY = GainMap(min_stops=(0.0, 0.0, 0.0), max_stops=(2.5, 2.5, 2.5), headroom=2.5)

# As the camera of a telephone writes it.
PHONE = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"
   hdrgm:Version="1.0" hdrgm:GainMapMax="2.656715" hdrgm:HDRCapacityMax="2.656715"
   hdrgm:OffsetHDR="0.000000"/>
 </rdf:RDF>
</x:xmpmeta>

<?xpacket end="w"?>\0"""


def xmp(attributes: str, children: str = "") -> bytes:
    return gain_map.xmp_packet(
        f'<rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" {attributes}>{children}'
        "</rdf:Description>"
    )


@pytest.mark.parametrize("meaning", [COLOURED, GREY, replace(GREY, in_base_colors=False)])
def test_the_binary_form_says_everything(meaning: GainMap):
    data = gain_map.build_iso(meaning)
    assert len(data) == (21 + 40 if meaning.is_neutral else 21 + 3 * 40)
    assert gain_map.parse_iso(data) == meaning
    assert gain_map.parse_iso(data + b"what a later version adds") == meaning


def test_the_binary_form_byte_by_byte():
    numbers = (0, 1, 5, 2, 0, 1, 5, 2, 1, 1, 1, 64, 1, 64)
    assert gain_map.build_iso(GREY) == struct.pack(">HHB14I", 0, 0, 0x40, *numbers)


def test_a_common_denominator_saves_repeating_it():
    numbers = (64, 0, 160, -32, 160, 64, 1, 2)
    data = struct.pack(">HHBIIIiiIii", 0, 3, 0x48, *numbers)
    expected = replace(GREY, min_stops=(-0.5,) * 3, base_offset=(1 / 64,) * 3, alternate_offset=(1 / 32,) * 3)
    assert gain_map.parse_iso(data) == expected


@pytest.mark.parametrize("meaning", [COLOURED, GREY])
def test_the_xmp_form_says_everything(meaning: GainMap):
    assert gain_map.parse_xmp(gain_map.build_xmp(meaning)) == meaning


def test_xmp_of_a_telephone_with_what_it_leaves_out():
    headroom = 2.656715
    assert gain_map.parse_xmp(PHONE) == GainMap(
        min_stops=(0.0, 0.0, 0.0),
        max_stops=(headroom,) * 3,
        alternate_offset=(0.0, 0.0, 0.0),
        headroom=headroom,
    )


def test_xmp_properties_may_be_elements():
    meaning = gain_map.parse_xmp(
        xmp('hdrgm:HDRCapacityMax="2.5"', "<hdrgm:GainMapMax>2.5</hdrgm:GainMapMax>")
    )
    assert meaning == GREY


def test_xmp_without_a_gain_map_is_none():
    assert gain_map.parse_xmp(xmp('hdrgm:Version="1.0"')) is None


@pytest.mark.parametrize("length", range(61))
def test_a_binary_form_cut_anywhere_is_refused(length: int):
    with pytest.raises(EncodingError, match="cut short"):
        gain_map.parse_iso(gain_map.build_iso(GREY)[:length])


@pytest.mark.parametrize(
    ("at", "value", "problem"),
    [
        (0, b"\0\1", "for version 1"),
        (4, b"\x44", "from HDR to SDR"),
        (9, bytes(4), "divides by zero"),
        (25, bytes(4), "divides by zero"),
        (29, b"\x7f\xff\xff\xff", "a gain of 1.07374e"),
        (21, b"\x80\0\0\0", "a gain of -2.14748e"),
        (37, bytes(4), "a gamma of 0"),
        (45, b"\x7f\xff\xff\xff", "an? offset of 3.35544e"),
        (13, bytes(4), "expected more for the latter"),
    ],
)
def test_a_binary_form_that_is_not_credible_is_refused(at: int, value: bytes, problem: str):
    data = bytearray(gain_map.build_iso(GREY))
    data[at : at + len(value)] = value
    with pytest.raises(EncodingError, match=problem):
        gain_map.parse_iso(bytes(data))


@pytest.mark.parametrize(
    ("packet", "problem"),
    [
        (xmp('hdrgm:GainMapMax="nan"'), "expected a number"),
        (xmp('hdrgm:GainMapMax="1e999"'), "expected a number"),
        (xmp('hdrgm:GainMapMax="1,5"'), "expected a number"),
        (xmp('hdrgm:GainMapMax="64"'), "a gain of 64 is not credible"),
        (xmp('hdrgm:GainMapMax="1" hdrgm:GainMapMin="2"'), "are no range"),
        (xmp('hdrgm:GainMapMax="1" hdrgm:HDRCapacityMax="0"'), "expected more for the latter"),
        (xmp('hdrgm:GainMapMax="1" hdrgm:BaseRenditionIsHDR="True"'), "from HDR to SDR"),
        (
            xmp(
                "",
                "<hdrgm:GainMapMax><rdf:Seq><rdf:li>1</rdf:li><rdf:li>2</rdf:li></rdf:Seq></hdrgm:GainMapMax>",
            ),
            "a number or three",
        ),
        (PHONE[:200], "is damaged"),
        (PHONE.decode().encode("utf-16"), "is damaged"),
        (b'<!DOCTYPE x [<!ENTITY a "&b;&b;">]>' + PHONE, "document type"),
    ],
)
def test_xmp_that_is_not_credible_is_refused(packet: bytes, problem: str):
    with pytest.raises(EncodingError, match=problem):
        gain_map.parse_xmp(packet)


@pytest.mark.parametrize(
    ("data", "parse"),
    [
        (gain_map.build_iso(COLOURED), gain_map.parse_iso),
        (gain_map.build_iso(GREY), gain_map.parse_iso),
        (gain_map.build_xmp(COLOURED), gain_map.parse_xmp),
        (PHONE, gain_map.parse_xmp),
    ],
)
def test_mutated_metadata_gives_finite_numbers_or_our_error(data: bytes, parse):
    random = np.random.default_rng(len(data))
    understood = 0
    for _ in range(MUTATIONS):
        changed = bytearray(data)
        for place in random.integers(0, len(data), random.integers(1, 4)):
            changed[place] = random.choice(NASTY)
        try:
            meaning = parse(bytes(changed))
        except EncodingError:
            continue
        if meaning is None:
            continue
        understood += 1
        values = [getattr(meaning, item.name) for item in fields(meaning)]
        assert all(math.isfinite(number) for value in values for number in np.ravel(value))
        light = gain_map.apply(torch.ones(3, 1, 1), torch.ones(1, 1, 1), meaning)
        assert bool(light.isfinite().all())
    assert MUTATIONS // 50 < understood < MUTATIONS


def test_deeply_nested_xmp_takes_no_long_time():
    inner = "<hdrgm:Gamma>" * 2000 + "1" + "</hdrgm:Gamma>" * 2000
    assert gain_map.parse_xmp(xmp('hdrgm:HDRCapacityMax="2.5"', inner)) is None


def test_light_by_hand():
    """Stored 0.25 with gamma 2 is half of the way from -0.5 to 2.5 stops: 1 stop on light and offset."""
    meaning = GainMap(
        min_stops=(-0.5,) * 3,
        max_stops=(2.5,) * 3,
        gamma=(2.0,) * 3,
        base_offset=(0.5, 0.25, 0.0),
        alternate_offset=(0.125, 0.0, 1.0),
        headroom=2.0,
    )
    light = gain_map.apply(torch.full((3, 1, 1), 0.25), torch.full((1, 1, 1), 0.25), meaning)
    assert_close(light.flatten(), torch.tensor([1.375, 1.0, 0.0]))


def test_a_small_map_is_stretched_between_the_middles_of_its_values():
    meaning = GainMap(
        min_stops=(0.0,) * 3,
        max_stops=(4.0,) * 3,
        base_offset=(0.0,) * 3,
        alternate_offset=(0.0,) * 3,
        headroom=4.0,
    )
    light = gain_map.apply(torch.ones(3, 1, 4), torch.tensor([[[0.0, 1.0]]]), meaning)
    assert_close(light[0, 0].log2(), torch.tensor([0.0, 1.0, 3.0, 4.0]))


def ramps() -> tuple[torch.Tensor, torch.Tensor]:
    """An SDR picture and coloured light from 2^-10 to 2^3."""
    stops = torch.linspace(-10.0, 3.0, 64).expand(48, 64)
    hue = torch.linspace(0.0, 6.0, 48)[:, None].expand(48, 64)
    tint = torch.stack([1.0 + 0.5 * torch.cos(hue + shift) for shift in (0.0, 2.0, 4.0)])
    light = torch.exp2(stops) * tint
    return light.clamp(max=1.0), light


@pytest.mark.parametrize("scale", [1, 3])
def test_what_is_measured_leads_back_to_the_light(scale: int):
    base, light = ramps()
    meaning, codes = gain_map.measure(base, light, weights=BT709_WEIGHTS, scale=scale)
    assert codes.shape == (-(-48 // scale), -(-64 // scale), 3)
    assert meaning.headroom == pytest.approx(math.log2(float(light.max())))
    stored = torch.from_numpy(codes).permute(2, 0, 1) / 255.0
    again = gain_map.apply(base, stored, meaning)
    step = max(high - low for low, high in zip(meaning.min_stops, meaning.max_stops, strict=True)) / 255
    error = (torch.log2(again + gain_map.OFFSET) - torch.log2(light + gain_map.OFFSET)).abs()
    assert float(error.max()) < (0.51 * step if scale == 1 else 0.5)
    assert float(error.mean()) < (0.3 * step if scale == 1 else 0.03)


def test_a_map_of_one_channel_keeps_the_luminance():
    base, light = ramps()
    meaning, codes = gain_map.measure(base, light, weights=BT709_WEIGHTS, channels=1)
    assert codes.shape == (48, 64, 1)
    assert meaning.is_neutral
    again = gain_map.apply(base, torch.from_numpy(codes).permute(2, 0, 1) / 255.0, meaning)
    # Offsets are added to each channel: of luminance they take none away.
    assert_close(luminance(again), luminance(light), rtol=0.02, atol=1e-4)


def test_light_that_is_none_counts_as_black_and_infinite_light_is_bounded():
    light = torch.tensor([torch.nan, torch.inf, -1.0]).view(1, 1, 3).repeat(3, 1, 1)
    meaning, codes = gain_map.measure(torch.full((3, 1, 3), 0.5), light, weights=BT709_WEIGHTS)
    assert codes[0, :, 0].tolist() == [0, 255, 0]
    assert meaning.headroom == 16.0


def test_equal_pictures_have_a_map_that_changes_nothing():
    base = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(1))
    meaning, codes = gain_map.measure(base, base, weights=BT709_WEIGHTS)
    again = gain_map.apply(base, torch.from_numpy(codes).permute(2, 0, 1) / 255.0, meaning)
    assert_close(again, base, rtol=0, atol=1e-5)
