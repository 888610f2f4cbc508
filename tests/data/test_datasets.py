"""Data sets in their published layouts, made tiny."""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch
from torch.testing import assert_close

from relume.color.encoding import BT709, BT2020, LINEAR_SCENE, PQ_BT2020, SRGB, Encoding, Reference
from relume.color.transfer import srgb
from relume.data import hdrtv1k
from relume.data.datasets import DATA_SETS, data_set
from relume.data.manifest import split_by_scene
from relume.data.pack import read_pack, write_pack
from relume.data.real_pairs import RealPairs, UnpairedSdr, exposure_between
from relume.data.sample import Exposure, Sample, load_hdr, load_sdr, manifest_of
from relume.errors import ImageError, MethodError, UnreadableFile
from relume.image import Image, convert
from relume.io.read import read
from relume.io.write import write

Make = Callable[..., None]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write tiny pictures: light by an HDR suffix, SDR by the others."""

    def files(*names: str, size: tuple[int, int] = (8, 8)) -> None:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            hdr = path.suffix in (".hdr", ".exr")
            pixels = torch.linspace(0.1, 4.0 if hdr else 1.0, 3 * size[0] * size[1]).view(3, *size)
            write(path, Image(pixels, LINEAR_SCENE if hdr else SRGB))

    return files


def test_names_are_unique_and_known() -> None:
    names = [row.name for row in DATA_SETS]
    assert len(set(names)) == len(names)
    assert all(data_set(name).name == name for name in names)
    with pytest.raises(MethodError, match="unknown data set 'none'; expected one of hdr-real"):
        data_set("none")


# Name, files, and what is found: (scene, split, HDR file, SDR files with their stops).
LAYOUTS = [
    (
        "hdr-real",
        ["HDR_gt/00007.hdr", "LDR_in/00007.jpg", "HDR_gt/00123.hdr", "LDR_in/00123.jpg"],
        [
            ("train block 0", "train", "HDR_gt/00007.hdr", {"LDR_in/00007.jpg": None}),
            ("train block 1", "train", "HDR_gt/00123.hdr", {"LDR_in/00123.jpg": None}),
        ],
    ),
    (
        "hdr-real",
        [
            "HDR-Real/HDR_gt/1.hdr", "HDR-Real/LDR_in/1.jpg",
            "HDR-Real_test/HDR_gt/1.hdr", "HDR-Real_test/LDR_in/1.jpg",
        ],
        [
            ("train block 0", "train", "HDR-Real/HDR_gt/1.hdr", {"HDR-Real/LDR_in/1.jpg": None}),
            ("test block 0", "test", "HDR-Real_test/HDR_gt/1.hdr", {"HDR-Real_test/LDR_in/1.jpg": None}),
        ],
    ),
    (
        "hdr-synth",
        ["HDR-Synth_train/a/507.hdr", "HDR-Synth_test/WillyDesk.exr"],
        [
            ("507", "train", "HDR-Synth_train/a/507.hdr", {}),
            ("WillyDesk", "test", "HDR-Synth_test/WillyDesk.exr", {}),
        ],
    ),
    ("hdr-synth", ["507.hdr"], [("507", "train", "507.hdr", {})]),
    (
        "raise",
        ["00000/gt.hdr", "00000/input.jpg", "00001/gt.hdr", "00001/input.jpg", "00001/ours.hdr"],
        [
            ("00000", "test", "00000/gt.hdr", {"00000/input.jpg": None}),
            ("00001", "test", "00001/gt.hdr", {"00001/input.jpg": None}),
        ],
    ),
    (
        "hdr-eye",
        ["HDR/00004.hdr", "LDR/00004.png"],
        [("00004", "test", "HDR/00004.hdr", {"LDR/00004.png": None})],
    ),
    (
        "hdr-eye",
        ["HDR_gt/C01.hdr", "LDR_in/C01.png"],
        [("C01", "test", "HDR_gt/C01.hdr", {"LDR_in/C01.png": None})],
    ),
    (
        "ldr-hdr-pair",
        [
            "HDR/HDR_001.hdr", "HDR/HDR_003.hdr", "LDR_exposure_-2/LDR_001.jpg", "LDR_exposure_0/LDR_001.jpg",
            "LDR_exposure_+2/LDR_001.jpg", "LDR_exposure_0/LDR_003.jpg",
        ],
        [
            ("1", None, "HDR/HDR_001.hdr", {
                "LDR_exposure_-2/LDR_001.jpg": -2.0, "LDR_exposure_0/LDR_001.jpg": 0.0,
                "LDR_exposure_+2/LDR_001.jpg": 2.0,
            }),
            ("3", None, "HDR/HDR_003.hdr", {"LDR_exposure_0/LDR_003.jpg": 0.0}),
        ],
    ),
    (
        "ldr-hdr-pair",
        ["HDR/HDR_001.hdr", "LDR/LDR_exposure_0/LDR_001.jpg"],
        [("1", None, "HDR/HDR_001.hdr", {"LDR/LDR_exposure_0/LDR_001.jpg": 0.0})],
    ),
    (
        "si-hdr",
        ["reference/001.exr", "clip_95/001.png", "clip_97/001.png"],
        [("001", "test", "reference/001.exr", {"clip_95/001.png": None, "clip_97/001.png": None})],
    ),
    (
        "hdrtv1k",
        [
            "training_set/train_sdr/film_001.png", "training_set/train_hdr/film_001.png",
            "test_set/test_sdr/117.png", "test_set/test_hdr/117.png",
        ],
        [
            ("train film", "train", "training_set/train_hdr/film_001.png",
             {"training_set/train_sdr/film_001.png": None}),
            ("test block 1", "test", "test_set/test_hdr/117.png", {"test_set/test_sdr/117.png": None}),
        ],
    ),
    ("fairchild", ["BarHarborSunrise.exr"], [("BarHarborSunrise", None, "BarHarborSunrise.exr", {})]),
    ("stanford-hdri", ["a/b.hdr", "a/b.txt.jpg"], [("a/b", None, "a/b.hdr", {})]),
    (
        "poly-haven",
        ["sky_2k.hdr", "old/sky_16k.exr", "lake_4k.hdr"],
        [("lake", None, "lake_4k.hdr", {}), ("sky", None, "old/sky_16k.exr", {})],
    ),
    ("hdr-folder", ["x/1.hdr", "x/1.jpg"], [("x/1", None, "x/1.hdr", {})]),
    ("sdr-folder", ["x/1.hdr", "x/2.jpg"], [("x/2", None, None, {"x/2.jpg": None})]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "files", "expected"), LAYOUTS)
def test_layouts(name: str, files: list[str], expected: list[tuple], tmp_path: Path, make: Make) -> None:
    make(*files)
    samples = data_set(name).find(tmp_path)
    found = [
        (
            sample.scene,
            sample.split,
            sample.hdr.relative_to(tmp_path).as_posix() if sample.hdr else None,
            {item.path.relative_to(tmp_path).as_posix(): item.stops for item in sample.sdr},
        )
        for sample in samples
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)
    splits: dict[str, set[str]] = {}
    for entry in split_by_scene(manifest_of(samples, tmp_path), validation=0.5):
        splits.setdefault(entry.scene, set()).add(entry.split)
    assert all(len(names) == 1 for names in splits.values())


@pytest.mark.parametrize("name", [row.name for row in DATA_SETS])
def test_a_missing_layout_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"holds no such data set; expected .+"):
        data_set(name).find(tmp_path)
    with pytest.raises(UnreadableFile, match="is no folder; expected one with "):
        data_set(name).find(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "files", "alone"),
    [
        ("hdr-real", ["HDR_gt/1.hdr", "LDR_in/1.jpg", "LDR_in/2.jpg"], "2.jpg"),
        ("raise", ["00000/gt.hdr", "00000/input.jpg", "00001/gt.hdr"], "00001/gt.hdr"),
        ("ldr-hdr-pair", ["HDR/HDR_001.hdr", "LDR_exposure_0/LDR_002.jpg"], r"HDR_001.hdr.*\(and 1 more\)"),
        ("si-hdr", ["reference/1.exr", "clip_95/1.png", "reference/2.exr"], "2.exr"),
        ("hdrtv1k", ["train_sdr/1.png", "train_hdr/1.png", "train_hdr/2.png"], "train_hdr/2.png"),
    ],
)
def test_files_without_partner_are_told(
    name: str, files: list[str], alone: str, tmp_path: Path, make: Make
) -> None:
    make(*files)
    with pytest.raises(UnreadableFile, match=alone) as told:
        data_set(name).find(tmp_path)
    assert "has no partner" in str(told.value)


def test_two_files_with_one_number_are_told(tmp_path: Path, make: Make) -> None:
    make("HDR/HDR_001.hdr", "HDR/HDR_1.hdr", "LDR_exposure_0/LDR_001.jpg")
    with pytest.raises(UnreadableFile, match=r"the same picture by its name as HDR_001\.hdr"):
        data_set("ldr-hdr-pair").find(tmp_path)


def test_twice_as_wide_is_a_panorama(tmp_path: Path, make: Make) -> None:
    make("round.hdr", size=(8, 16))
    make("flat.hdr", size=(8, 15))
    kinds = {sample.scene: sample.kind for sample in data_set("hdr-folder").find(tmp_path)}
    assert kinds == {"round": "panorama", "flat": "photograph"}
    make("sky_1k.hdr")
    assert data_set("poly-haven").find(tmp_path)[-1].kind == "panorama"


def test_manifests_name_files_from_the_folder(tmp_path: Path, make: Make) -> None:
    make("a/b.hdr")
    [entry] = manifest_of(data_set("fairchild").find(tmp_path), tmp_path, licence="free", with_hash=True)
    assert (entry.file, entry.split, entry.licence, len(entry.sha256)) == ("a/b.hdr", "train", "free", 64)
    samples = [
        Sample(scene="one", hdr=tmp_path / "a/b.hdr", split="train"),
        Sample(scene="one", hdr=tmp_path / "a/b.hdr", split="test"),
    ]
    with pytest.raises(ImageError, match="stands in test and train"):
        manifest_of(samples, tmp_path)


def test_light_and_sdr_are_not_confused(tmp_path: Path, make: Make) -> None:
    make("a.hdr", "b.png")
    assert float(load_hdr(tmp_path / "a.hdr").max()) == pytest.approx(4.0, rel=0.01)
    assert load_sdr(tmp_path / "b.png").max() == 1.0
    with pytest.raises(ImageError, match="is an SDR picture"):
        load_hdr(tmp_path / "b.png")
    with pytest.raises(ImageError, match="is an HDR picture"):
        load_sdr(tmp_path / "a.hdr")


def test_light_is_finite_bt709(tmp_path: Path) -> None:
    pixels = torch.tensor([0.0, 1.0, 0.0]).view(3, 1, 1).repeat(1, 1, 3)
    pixels[:, :, 1] = torch.nan
    pixels[:, :, 2] = torch.inf
    write(tmp_path / "x.exr", Image(pixels, Encoding(BT2020, "linear", Reference.SCENE)))
    light = load_hdr(tmp_path / "x.exr")
    assert light[0, 0, 0] == 0.0  # the green of BT.2020 has negative red
    assert light[1, 0, 0] > 1.0
    assert bool(light.isfinite().all())
    assert light[:, 0, 1].tolist() == [0.0, 0.0, 0.0]


def test_hdrtv1k_white_has_its_own_code(tmp_path: Path) -> None:
    """203 cd/m² is 1.0, and the white of 10 bits, widened to 65282.5, is the top of PQ."""
    white = torch.full((3, 1, 1), 203.0 / 10_000)
    signal = float(convert(white, Encoding(BT2020, "linear", Reference.SCENE, 10_000.0), PQ_BT2020)[0])
    codes = np.full((4, 4, 3), round(signal * 65282.5), np.uint16)
    codes[0] = 65282
    codes[1] = 65535
    (tmp_path / "x.png").write_bytes(imagecodecs.png_encode(codes))
    light = hdrtv1k.load_hdr(tmp_path / "x.png")
    assert_close(light[:, 2:], torch.ones(3, 2, 4), rtol=2e-3, atol=0)
    assert_close(light[:, :2], torch.full((3, 2, 4), 10_000 / 203), rtol=2e-3, atol=0)
    (tmp_path / "y.png").write_bytes(imagecodecs.png_encode(codes.astype(np.uint8)))
    with pytest.raises(UnreadableFile, match="PNG file of 16 bits"):
        hdrtv1k.load_hdr(tmp_path / "y.png")


def test_ultra_hdr_photographs_are_pairs(tmp_path: Path, make: Make) -> None:
    rows = torch.linspace(0.0, 4.0, 64).view(1, 64, 1).expand(3, 64, 64)
    rgba = torch.cat([rows, torch.ones(1, 64, 64)]).permute(1, 2, 0).numpy().astype(np.float16)
    encoded = imagecodecs.ultrahdr_encode(
        rgba, gamut=imagecodecs.ULTRAHDR.CG.BT_709, transfer=imagecodecs.ULTRAHDR.CT.LINEAR
    )
    (tmp_path / "a.jpg").write_bytes(encoded)
    make("plain.jpg")
    [sample] = data_set("ultra-hdr").find(tmp_path)
    assert sample.hdr == sample.sdr[0].path == tmp_path / "a.jpg"
    light = load_hdr(tmp_path / "a.jpg")
    assert_close(light[:, 8:], rows[:, 8:].contiguous(), rtol=0.1, atol=0.02)
    sdr = load_sdr(tmp_path / "a.jpg")
    assert sdr.shape == light.shape
    assert float(sdr.max()) <= 1.0
    with pytest.raises(ImageError, match="is an SDR picture"):
        load_hdr(tmp_path / "plain.jpg")


def test_ultra_hdr_photographs_are_packed_with_their_light(tmp_path: Path) -> None:
    light = torch.linspace(0.1, 4.0, 64).expand(3, 64, 64).contiguous()
    white = Encoding(BT709, "linear", Reference.SCENE, 203.0)
    write(tmp_path / "a.jpg", Image(light, white))
    row = data_set("ultra-hdr")
    write_pack(tmp_path / "x.pack", tmp_path, manifest_of(row.find(tmp_path), tmp_path))
    [picture] = read_pack(tmp_path / "x.pack").pictures
    assert_close(picture.float(), light, rtol=0.15, atol=0.02)


def test_a_real_photograph_keeps_its_colours_and_goes_beyond_white(shared: Path) -> None:
    """Were the primaries of the SDR picture (P3) taken for BT.709, red would differ from green."""
    path = shared / "data/ultrahdr/01.jpg"
    light, photograph = load_hdr(path), read(path, gain_map=False)
    assert light.shape == photograph.pixels.shape
    assert float(light.max()) > 2.0
    # A sixteenth of the pixels each way is enough, and much quicker to convert.
    small = Image(photograph.pixels[:, ::16, ::16].contiguous(), photograph.encoding)
    sdr = srgb.eotf(small.to(SRGB).pixels)
    dark = (sdr > 0.02) & (sdr < 0.05)
    assert float((light[:, ::16, ::16] / sdr)[dark].median()) == pytest.approx(1.0, abs=0.03)
    ratio = (light.mean((1, 2)) / sdr.mean((1, 2))).tolist()
    assert max(ratio) / min(ratio) < 1.04


@pytest.fixture
def pairs(tmp_path: Path, generator: torch.Generator) -> list[Sample]:
    """Three scenes in two exposures, in light of an odd unit, taken by a camera with sRGB's curve."""
    samples = []
    for index in range(3):
        light = torch.exp2(torch.rand(3, 24, 32, generator=generator) * 6 - 4)
        write(tmp_path / f"{index}.exr", Image(light * 37.0, LINEAR_SCENE))
        taken = []
        for stops in (-1.0, 1.0):
            path = tmp_path / f"{index} {stops}.png"
            write(path, Image(srgb.inverse_eotf((light * 2**stops).clamp(max=1.0)), SRGB))
            taken.append(Exposure(path=path, stops=stops))
        samples.append(Sample(scene=str(index), hdr=tmp_path / f"{index}.exr", sdr=tuple(taken)))
    return samples


def _real(samples: list[Sample], name: str = "fairchild", seed: int = 0) -> RealPairs:
    return RealPairs(data=data_set(name), samples=samples, size=(8, 12), seed=seed)


def test_real_pairs_depend_on_seed_and_index_alone(pairs: list[Sample]) -> None:
    drawn = [_real(pairs)[index] for index in (5, 6, 7)]
    again = _real(pairs)
    for index, pair in zip((7, 5, 6), (drawn[2], drawn[0], drawn[1]), strict=True):
        assert all(torch.equal(again[index][key], pair[key]) for key in pair)
    assert not torch.equal(drawn[0]["sdr"], drawn[1]["sdr"])
    assert not torch.equal(drawn[0]["sdr"], _real(pairs, seed=1)[5]["sdr"])


def test_real_pairs_meet_at_the_level_that_clips(pairs: list[Sample]) -> None:
    exposures = set()
    for index in range(12):
        pair = _real(pairs)[index]
        assert pair["sdr"].shape == pair["hdr"].shape == (3, 8, 12)
        assert_close(srgb.eotf(pair["sdr"]), pair["hdr"].clamp(max=1.0), rtol=0.02, atol=0.005)
        exposures.add(round(float(pair["exposure"]) * 37.0, 1))
    assert exposures == {0.5, 2.0}


def test_light_with_a_meaning_is_left_alone(pairs: list[Sample]) -> None:
    row = data_set("ultra-hdr")
    loaded = RealPairs(data=type(row)(**{**vars(row), "load_hdr": load_hdr}), samples=pairs, size=(24, 32))[0]
    assert loaded["exposure"] == 1.0
    assert loaded["hdr"].max() > 37.0


def test_pairs_that_cannot_be_used(pairs: list[Sample], tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="samples that all have light"):
        _real([Sample(scene="x", hdr=pairs[0].hdr)])
    with pytest.raises(ImageError, match="holds no crop of 64 × 64"):
        RealPairs(data=data_set("fairchild"), samples=pairs, size=(64, 64))[0]
    with pytest.raises(ImageError, match="fewer than 16 pixels are well exposed"):
        exposure_between(torch.ones(3, 8, 8), torch.ones(3, 8, 8))
    write(tmp_path / "small.png", Image(torch.full((3, 8, 8), 0.5), SRGB))
    odd = Sample(scene="x", hdr=pairs[0].hdr, sdr=(Exposure(path=tmp_path / "small.png"),))
    with pytest.raises(ImageError, match="has 8 × 8 pixels and its light 32 × 24"):
        _real([odd])[0]


def test_unpaired_pictures_are_cropped_alike(pairs: list[Sample]) -> None:
    unpaired = UnpairedSdr(samples=pairs, size=(8, 8), seed=3)
    assert set(unpaired[0]) == {"sdr"}
    assert torch.equal(unpaired[4]["sdr"], UnpairedSdr(samples=pairs, size=(8, 8), seed=3)[4]["sdr"])
    assert not torch.equal(unpaired[4]["sdr"], unpaired[5]["sdr"])
    with pytest.raises(ImageError, match="samples that all have an SDR picture"):
        UnpairedSdr(samples=[Sample(scene="x")], size=(8, 8))
