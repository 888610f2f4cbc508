"""ICC profiles: against LittleCMS, against the formulas of the standard, and broken ones."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from PIL import ImageCms

from relume.color.encoding import DISPLAY_P3_ENCODED, HLG_BT2020, PQ_BT2020, SRGB, Encoding, Reference
from relume.color.primaries import ADOBE_RGB, BT2020, DISPLAY_P3, PRIMARIES, Primaries
from relume.color.transfer import srgb
from relume.errors import EncodingError
from relume.image import Image, convert
from relume.io import cicp, icc

D50_WHITE = (0.9642, 1.0, 0.8249)
CURVES = ("srgb", "linear", "gamma2.2", "gamma2.8", "bt1886", "bt709")
PROPHOTO = Primaries((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), (0.3457, 0.3585))


def fixed(*numbers: float) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def xyz_tag(*xyz: float) -> bytes:
    return b"XYZ " + bytes(4) + fixed(*xyz)


def curve_tag(*samples: int) -> bytes:
    return b"curv" + struct.pack(f">II{len(samples)}H", 0, len(samples), *samples)


def parametric_tag(kind: int, *numbers: float) -> bytes:
    return b"para" + struct.pack(">IHH", 0, kind, 0) + fixed(*numbers)


def profile_of(tags: dict[bytes, bytes], *, space: bytes = b"RGB ", pcs: bytes = b"XYZ ") -> bytes:
    """A profile of version 2 byte by byte, independent of `icc.build`."""
    start = 132 + 12 * len(tags)
    table, data = b"", b""
    for name, value in tags.items():
        table += struct.pack(">4sII", name, start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = struct.pack(">I4xI4s4s4s12x4s28x", start + len(data), 0x02400000, b"scnr", space, pcs, b"acsp")
    return head + fixed(*D50_WHITE) + bytes(48) + struct.pack(">I", len(tags)) + table + data


# sRGB as the profile of HP and Microsoft has it, but linear.
MATRIX_TAGS = {
    b"rXYZ": xyz_tag(0.4361, 0.2225, 0.0139),
    b"gXYZ": xyz_tag(0.3851, 0.7169, 0.0971),
    b"bXYZ": xyz_tag(0.1431, 0.0606, 0.7141),
    b"rTRC": curve_tag(),
    b"gTRC": curve_tag(),
    b"bTRC": curve_tag(),
    b"wtpt": xyz_tag(0.9505, 1.0, 1.0891),
}


def matrix_profile(curve: bytes, **others: bytes) -> bytes:
    curves = {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    return profile_of({**MATRIX_TAGS, **curves, **{name.encode(): value for name, value in others.items()}})


def table_profile(space: bytes, channels: int) -> bytes:
    """A profile of 8-bit tables: the corners of the cube mapped to Lab, straight lines between.

    Its black is dark grey (L* 10) and its paper yellowish, as in print.
    """
    corners = b""
    for index in range(2**channels):
        values = [(index >> (channels - 1 - position)) & 1 for position in range(channels)]
        if channels == 4:
            values = [(1 - ink) * (1 - values[3]) for ink in values[:3]]
        red, green, blue = (values * 3)[:3]
        lightness = (2 * red + 6 * green + 2 * blue) / 10
        corners += bytes(
            [round(25.5 + 229.5 * lightness), 128 + 40 * (red - green), 128 + 40 * (green - blue)]
        )
    head = bytes([channels, 3, 2, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    ramp = bytes(range(256))
    table = b"mft1" + bytes(4) + head + ramp * channels + corners + ramp * 3
    tags = {
        b"A2B0": table,
        b"A2B1": table,
        b"wtpt": xyz_tag(0.8, 0.83, 0.6),
        b"desc": b"desc" + struct.pack(">II", 0, 7) + b"tables\0",
    }
    return profile_of(tags, space=space, pcs=b"Lab ")


# Light of ink 128 of 255 under that profile, black at 0: (Y - Yk) / (1 - Yk) with L* 54.9 and 10.2.
HALF_INK = 0.2195


def samples_of(channels: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (9, 11, channels), dtype=np.uint8)


@pytest.mark.parametrize("transfer", CURVES)
@pytest.mark.parametrize("primaries", PRIMARIES)
def test_what_is_built_is_parsed(primaries: str, transfer: str):
    encoding = Encoding(PRIMARIES[primaries], transfer, Reference.DISPLAY_RELATIVE)
    profile = icc.parse(icc.build(encoding))
    assert profile.encoding == encoding
    assert profile.curves is None
    assert profile.tables is None


@pytest.mark.parametrize("transfer", CURVES)
@pytest.mark.parametrize("primaries", PRIMARIES)
def test_littlecms_reads_what_is_built_as_relume_means_it(primaries: str, transfer: str):
    encoding = Encoding(PRIMARIES[primaries], transfer, Reference.DISPLAY_RELATIVE)
    # Around the grey axis, so that the colours lie within sRGB whatever the primaries.
    random = np.random.default_rng(3)
    colors = random.uniform(0.3, 0.9, (40, 40, 1)) + random.uniform(-0.02, 0.02, (40, 40, 3))
    colors = colors.astype(np.float32)
    theirs = imagecodecs.cms_transform(
        colors,
        icc.build(encoding),
        imagecodecs.cms_profile("srgb"),
        colorspace="rgb",
        outcolorspace="rgb",
        outdtype=np.float32,
        intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
    )
    ours = convert(torch.from_numpy(colors).permute(2, 0, 1), encoding, SRGB).permute(1, 2, 0).numpy()
    assert ours.min() > 0
    assert ours.max() < 1
    np.testing.assert_allclose(theirs, ours, atol=1e-3)


def test_other_primaries_keep_their_numbers_and_their_white():
    profile = icc.parse(icc.build(Encoding(PROPHOTO, "linear", Reference.DISPLAY_RELATIVE)))
    found = profile.encoding.primaries
    for ours, theirs in zip(
        (found.red, found.green, found.blue, found.white),
        (PROPHOTO.red, PROPHOTO.green, PROPHOTO.blue, PROPHOTO.white),
        strict=True,
    ):
        assert ours == pytest.approx(theirs, abs=1e-4)


def test_a_foreign_profile_of_gamma_18_is_linearised_exactly():
    corners = (*PROPHOTO.red, 1.0, *PROPHOTO.green, 1.0, *PROPHOTO.blue, 1.0)
    data = imagecodecs.cms_profile("rgb", whitepoint=(*PROPHOTO.white, 1.0), primaries=corners, gamma=1.8)
    profile = icc.parse(data)
    assert profile.encoding.transfer == "linear"
    assert profile.encoding.primaries.white == pytest.approx(PROPHOTO.white, abs=2e-4)
    samples = samples_of(3)
    pixels, _ = icc.decode(samples, profile, top=255)
    np.testing.assert_allclose(pixels.permute(1, 2, 0).numpy(), (samples / 255) ** (461 / 256), atol=2e-4)


def test_adobe_rgb_has_its_gamma_of_563_256():
    profile = icc.parse(imagecodecs.cms_profile("adobergb"))
    assert profile.encoding == Encoding(ADOBE_RGB, "linear", Reference.DISPLAY_RELATIVE)
    samples = samples_of(3)
    pixels, _ = icc.decode(samples, profile, top=255)
    np.testing.assert_allclose(pixels.permute(1, 2, 0).numpy(), (samples / 255) ** (563 / 256), rtol=1e-6)


@pytest.mark.parametrize("count", [26, 1024, 4096])
def test_srgb_is_known_by_a_table(count: int):
    light = srgb.eotf(torch.linspace(0, 1, count, dtype=torch.float64))
    profile = icc.parse(matrix_profile(curve_tag(*(light * 65535).round().int().tolist())))
    assert profile.encoding == SRGB


def test_the_srgb_of_littlecms_is_srgb():
    assert icc.parse(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()).encoding == SRGB


@pytest.mark.parametrize(
    ("tag", "at", "value"),
    [
        (curve_tag(), 0.3, 0.3),
        (curve_tag(2 * 256), 0.3, 0.09),
        (curve_tag(0, 13107, 65535), 0.25, 0.1),
        (curve_tag(0, 13107, 65535), 0.75, 0.6),
        (parametric_tag(0, 3.0), 0.5, 0.125),
        (parametric_tag(1, 2.0, 1.0, -0.25), 0.75, 0.25),
        (parametric_tag(1, 2.0, 1.0, -0.25), 0.1, 0.0),
        (parametric_tag(2, 2.0, 1.0, -0.25, 0.125), 0.75, 0.375),
        (parametric_tag(2, 2.0, 1.0, -0.25, 0.125), 0.1, 0.125),
        (parametric_tag(3, 2.0, 0.5, 0.5, 0.25, 0.5), 0.75, 0.765625),
        (parametric_tag(3, 2.0, 0.5, 0.5, 0.25, 0.5), 0.4, 0.1),
        (parametric_tag(4, 2.0, 0.5, 0.5, 0.25, 0.5, 0.0625, 0.03125), 0.75, 0.828125),
        (parametric_tag(4, 2.0, 0.5, 0.5, 0.25, 0.5, 0.0625, 0.03125), 0.4, 0.13125),
    ],
)
def test_each_form_of_curve_is_that_of_the_standard(tag: bytes, at: float, value: float):
    profile = icc.parse(matrix_profile(tag))
    pixels, _ = icc.decode(np.full((1, 1, 3), at, np.float32), profile, top=1.0)
    assert profile.encoding.transfer == "linear"
    assert pixels.flatten().tolist() == pytest.approx([value] * 3, abs=3e-5)


def test_the_three_curves_are_kept_apart():
    linear, square = curve_tag(), curve_tag(512)
    profile = icc.parse(matrix_profile(linear, gTRC=square))
    pixels, _ = icc.decode(np.full((1, 1, 3), 51, np.uint8), profile, top=255)
    assert pixels.flatten().tolist() == pytest.approx([0.2, 0.04, 0.2])


def test_an_old_profile_without_adaptation_gets_its_white_from_the_white_point():
    profile = icc.parse(
        profile_of(
            {
                # SMPTE C, adapted from D65 to D50 by colour-science.
                b"rXYZ": xyz_tag(0.41629, 0.22168, 0.01365),
                b"gXYZ": xyz_tag(0.39320, 0.70328, 0.09133),
                b"bXYZ": xyz_tag(0.15471, 0.07504, 0.71993),
                b"rTRC": curve_tag(),
                b"gTRC": curve_tag(),
                b"bTRC": curve_tag(),
                b"wtpt": xyz_tag(0.95046, 1.0, 1.08906),
            }
        )
    )
    found = profile.encoding.primaries
    assert found.white == pytest.approx((0.3127, 0.3290), abs=5e-5)
    assert found.red == pytest.approx((0.630, 0.340), abs=5e-5)
    assert found.green == pytest.approx((0.310, 0.595), abs=5e-5)
    assert found.blue == pytest.approx((0.155, 0.070), abs=5e-5)


@pytest.mark.parametrize(("space", "channels"), [("RGB", 3), ("GRAY", 1), ("CMYK", 4)])
def test_tables_go_through_littlecms(space: str, channels: int):
    data = table_profile(space.ljust(4).encode(), channels)
    profile, tags = icc.interpret(data, space=space)
    assert tags == {"icc": "tables"}
    assert profile.encoding == Encoding(BT2020, "linear", Reference.DISPLAY_RELATIVE)
    samples = samples_of(channels)
    pixels, _ = icc.decode(samples, profile, top=255)
    ours = convert(pixels, profile.encoding, SRGB).permute(1, 2, 0).clamp(0, 1).numpy()
    theirs = ImageCms.profileToProfile(
        Pillow.fromarray(samples.squeeze(), {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}[space])
        if channels == 1
        else Pillow.frombytes(space, (11, 9), samples.tobytes()),
        ImageCms.ImageCmsProfile(io.BytesIO(data)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    within = ((ours > 0.02) & (ours < 0.98)).all(axis=-1)
    assert within.sum() > 20
    np.testing.assert_allclose(ours[within], np.asarray(theirs)[within] / 255, atol=0.012)


def test_a_grey_profile_is_its_curve():
    profile = icc.parse(profile_of({b"kTRC": curve_tag(512)}, space=b"GRAY"))
    pixels, alpha = icc.decode(np.array([[[51, 255]]], np.uint8), profile, top=255)
    assert pixels.flatten().tolist() == pytest.approx([0.04] * 3)
    assert alpha is not None
    assert alpha.item() == 1.0
    assert (
        icc.parse(profile_of({b"kTRC": parametric_tag(0, 2.2)}, space=b"GRAY")).encoding.transfer
        == "gamma2.2"
    )


def test_cmyk_without_a_profile_is_light_that_ink_leaves():
    profile, tags = icc.interpret(None, space="CMYK")
    pixels, _ = icc.decode(np.array([[[51, 0, 255, 0], [51, 0, 255, 102]]], np.uint8), profile, top=255)
    assert tags == {}
    assert profile.encoding == SRGB
    assert pixels[:, 0, 0].tolist() == pytest.approx([0.8, 1.0, 0.0])
    assert pixels[:, 0, 1].tolist() == pytest.approx([0.48, 0.6, 0.0])


def test_a_cicp_tag_for_hdr_comes_first():
    data = matrix_profile(curve_tag(), cicp=b"cicp" + bytes(4) + bytes([9, 16, 0, 1]))
    assert icc.parse(data).encoding == PQ_BT2020
    data = matrix_profile(curve_tag(), cicp=b"cicp" + bytes(4) + bytes([9, 1, 0, 1]))
    assert icc.parse(data).encoding.transfer == "linear"


@pytest.mark.parametrize(
    ("points", "encoding"),
    [
        ((1, 13), SRGB),
        ((12, 13), DISPLAY_P3_ENCODED),
        ((9, 16), PQ_BT2020),
        ((9, 18), HLG_BT2020),
        ((9, 14), Encoding(BT2020, "bt709", Reference.DISPLAY_RELATIVE)),
        ((12, 8), Encoding(DISPLAY_P3, "linear", Reference.DISPLAY_RELATIVE)),
        ((2, 13), None),
        ((1, 2), None),
    ],
)
def test_code_points_of_h273(points: tuple[int, int], encoding: Encoding | None):
    assert cicp.from_points(*points) == encoding


def test_curves_for_hdr_have_no_profile():
    with pytest.raises(EncodingError, match="pq"):
        icc.build(PQ_BT2020)


def test_a_profile_for_other_samples_is_ignored():
    profile, tags = icc.interpret(table_profile(b"CMYK", 4), space="RGB")
    assert profile.encoding == SRGB
    assert profile.tables is None
    assert tags == {"icc": "tables (for CMYK, ignored)"}
    assert icc.interpret(icc.build(DISPLAY_P3_ENCODED), space="GRAY")[0].encoding == DISPLAY_P3_ENCODED


@pytest.mark.parametrize(
    "data",
    [
        b"junk",
        bytes(200),
        profile_of({}, space=b"Lab "),
        profile_of({}),
        matrix_profile(curve_tag(0, 1)[:-2]),
        matrix_profile(parametric_tag(5, 1.0)),
        matrix_profile(parametric_tag(1, 1.0, 0.0, 0.5)),
        matrix_profile(parametric_tag(0, -20.0)),
        matrix_profile(curve_tag(), rXYZ=xyz_tag(0, 0, 0)),
        matrix_profile(curve_tag(), rXYZ=xyz_tag(0.3851, 0.7169, 0.0971)),
        matrix_profile(curve_tag(), rXYZ=xyz_tag(0.9, 0.1, 0.1), chad=b"sf32" + bytes(4) + fixed(*[1] * 9)),
        table_profile(b"CMYK", 4)[:700],
    ],
)
def test_a_broken_profile_means_srgb(data: bytes):
    with pytest.raises(EncodingError):
        icc.parse(data)
    profile, tags = icc.interpret(data)
    assert profile.encoding == SRGB
    assert tags == {"icc": "unreadable"}


@pytest.mark.parametrize(
    "data", [icc.build(SRGB), matrix_profile(curve_tag(0, 9, 65535)), table_profile(b"CMYK", 4)]
)
def test_a_mutated_profile_is_refused_or_gives_finite_colours(data: bytes):
    random = np.random.default_rng(1)
    refused = 0
    for _ in range(150):
        mutated = bytearray(data[: random.integers(len(data))] if random.random() < 0.2 else data)
        for _ in range(3):
            mutated[random.integers(min(len(mutated), 400))] = random.integers(256)
        try:
            profile = icc.parse(bytes(mutated))
        except EncodingError:
            refused += 1
            continue
        channels = {"RGB": 3, "GRAY": 1, "CMYK": 4}[profile.space]
        pixels, _ = icc.decode(samples_of(channels), profile, top=255)
        assert pixels.isfinite().all()
        assert pixels.min() >= 0
    assert 0 < refused < 150


def test_names_for_people():
    assert icc.parse(icc.build(DISPLAY_P3_ENCODED)).description == "Display P3"
    ours = ImageCms.ImageCmsProfile(io.BytesIO(icc.build(SRGB)))
    assert ImageCms.getProfileDescription(ours).strip() == "sRGB"


@pytest.mark.parametrize(("depth", "top"), [(8, 255), (16, 65535)])
def test_samples_are_rounded_to_the_nearest_code(depth: int, top: int):
    codes = np.arange(0, top + 1, max(1, top // 255))
    pixels = torch.from_numpy(codes / top).float().expand(3, 2, -1)
    alpha = torch.full((1, 2, len(codes)), 0.25)
    samples = icc.quantize(Image(pixels, SRGB, alpha), depth)
    assert samples.dtype == (np.uint8 if depth == 8 else np.uint16)
    assert (samples[..., :3] == codes[:, None]).all()
    assert (samples[..., 3] == round(0.25 * top)).all()
    assert (icc.quantize(Image(pixels + 0.4 / top, SRGB), depth)[..., 0] == codes).all()
    assert icc.quantize(Image(pixels * 3 - 1, SRGB), depth).max() == top


def test_alpha_is_decoded_straight_and_untouched_by_curves():
    profile = icc.parse(imagecodecs.cms_profile("adobergb"))
    pixels, alpha = icc.decode(np.array([[[255, 0, 128, 51]]], np.uint8), profile, top=255)
    assert alpha is not None
    assert alpha.item() == pytest.approx(0.2)
    assert pixels[0].item() == pytest.approx(1.0)
