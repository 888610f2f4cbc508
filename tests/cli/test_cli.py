"""The command as a person uses it: success, wrong usage, bad files, batches."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from PIL import Image as Pillow

from relume.cli.main import main

Relume = Callable[..., tuple[int, str, str]]


@pytest.fixture
def relume(capsys: pytest.CaptureFixture[str]) -> Relume:
    """Run the command; give exit code, standard output and standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    codes = np.linspace(0, 255, 24 * 16 * 3).reshape(16, 24, 3).astype(np.uint8)
    codes[4:8, 4:8] = 255
    Pillow.fromarray(codes).save(path)
    return path


@pytest.fixture
def scene(tmp_path: Path, photo: Path, relume: Relume) -> Path:
    path = tmp_path / "scene.exr"
    assert relume("expand", photo, "-o", path, "--method", "banterle2006")[0] == 0
    return path


def _exr(path: Path) -> tuple[np.ndarray, dict[str, object]]:
    with OpenEXR.File(str(path)) as file:
        return np.array(file.channels()["RGB"].pixels), dict(file.header())


def test_expand_writes_an_exr_that_says_what_its_light_means(
    photo: Path, tmp_path: Path, relume: Relume
) -> None:
    code, out, err = relume("expand", photo, "-o", tmp_path / "x.exr", "--method", "linear")
    assert (code, out, err) == (0, "", "")
    pixels, header = _exr(tmp_path / "x.exr")
    assert header["whiteLuminance"] == 203.0
    assert pixels.shape == (16, 24, 3)
    assert pixels[5, 5].tolist() == [1.0, 1.0, 1.0]


def test_the_default_expansion_lights_up_what_was_clipped(scene: Path) -> None:
    pixels, _ = _exr(scene)
    assert pixels.max() > 1.5


def test_reference_white(photo: Path, tmp_path: Path, relume: Relume) -> None:
    relume("expand", photo, "-o", tmp_path / "x.exr", "--reference-white", "100")
    assert _exr(tmp_path / "x.exr")[1]["whiteLuminance"] == 100.0


def test_tonemap_writes_png_beside_the_input(scene: Path, relume: Relume) -> None:
    assert relume("tonemap", scene)[0] == 0
    with Pillow.open(scene.with_suffix(".png")) as result:
        assert result.size == (24, 16)
        assert result.mode == "RGB"


def test_parameters_and_peak_reach_the_method(photo: Path, tmp_path: Path, relume: Relume) -> None:
    for name, extra in (
        ("a", []),
        ("b", ["--peak", "500"]),
        ("c", ["--param", "gamma=2", "--param", "peak=500"]),
    ):
        out = tmp_path / f"{name}.exr"
        assert relume("expand", photo, "-o", out, "--method", "AkyuzEO", *extra)[0] == 0
    peaks = [float(_exr(tmp_path / f"{name}.exr")[0].max()) * 203 for name in "abc"]
    assert peaks == pytest.approx([1000.0, 500.0, 500.0], rel=1e-3)
    assert not np.array_equal(_exr(tmp_path / "b.exr")[0], _exr(tmp_path / "c.exr")[0])


def test_json_tells_what_was_done(photo: Path, tmp_path: Path, relume: Relume) -> None:
    code, out, _ = relume("expand", photo, tmp_path / "photo.png", "-o", tmp_path / "o", "--json")
    assert code == 1  # the same file twice would be written twice
    code, out, _ = relume("expand", photo, "-o", tmp_path / "o.exr", "--json", "--method", "linear")
    [row] = json.loads(out)
    assert row["output"] == str(tmp_path / "o.exr")
    assert (row["width"], row["height"], row["method"]) == (24, 16, "linear")


def test_existing_files_stay_unless_told(photo: Path, tmp_path: Path, relume: Relume) -> None:
    target = tmp_path / "x.exr"
    target.write_bytes(b"precious")
    code, _, err = relume("expand", photo, "-o", target)
    assert code == 1
    assert "--overwrite" in err
    assert target.read_bytes() == b"precious"
    assert relume("expand", photo, "-o", target, "--overwrite")[0] == 0
    assert target.read_bytes() != b"precious"


def test_in_a_batch_the_others_go_through_and_failures_come_last(
    photo: Path, tmp_path: Path, relume: Relume
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    photo.rename(folder / "b.png")
    (folder / "a.png").write_bytes((folder / "b.png").read_bytes()[:60])
    (folder / "c.jpg").write_bytes(b"not a picture")
    code, _, err = relume("expand", folder, "-o", tmp_path / "out")
    assert code == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.exr"]
    lines = err.strip().splitlines()
    assert "2 of 3 files failed:" in lines[-3]
    assert "a.png" in lines[-2]
    assert "c.jpg" in lines[-1]
    assert "Traceback" not in err


def test_folders_take_only_the_pictures_of_their_direction(
    photo: Path, scene: Path, tmp_path: Path, relume: Relume
) -> None:
    assert relume("tonemap", tmp_path, "-o", tmp_path / "out")[0] == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["scene.png"]


def test_hdr_handed_to_expand_and_sdr_to_tonemap(
    photo: Path, scene: Path, tmp_path: Path, relume: Relume
) -> None:
    code, _, err = relume("expand", scene, "-o", tmp_path / "x.exr")
    assert code == 1
    assert "is HDR already" in err
    assert "--force" in err
    code, _, err = relume("tonemap", photo, "-o", tmp_path / "x.png")
    assert code == 1
    assert "is an SDR picture" in err
    assert relume("expand", scene, "-o", tmp_path / "x.exr", "--force")[0] == 0
    assert relume("tonemap", photo, "-o", tmp_path / "x.png", "--force")[0] == 0


def test_nan_is_refused_or_repaired(tmp_path: Path, relume: Relume) -> None:
    pixels = np.full((4, 4, 3), 0.5, np.float32)
    pixels[1, 1] = np.nan
    path = tmp_path / "nan.exr"
    with OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": pixels}) as file:
        file.write(str(path))
    code, _, err = relume("tonemap", path)
    assert code == 1
    assert "nan.exr: 1 of 16 pixels are NaN or infinite" in err
    assert relume("tonemap", path, "--force")[0] == 0


def test_memory_limit_is_checked_from_the_header(photo: Path, relume: Relume) -> None:
    code, _, err = relume("expand", photo, "--max-memory", "1M")
    assert code == 1
    assert "photo.png (24 × 16) needs about" in err
    assert "--max-memory" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "magic"], "there is no method 'magic'; `relume expand` knows linear"),
        (["--method", "drago2003"], "'drago2003' is for `relume tonemap`"),
        (["--param", "bias"], "expected key=value"),
        (["--param", "colour=3", "--method", "akyuz2007"], "akyuz2007 has no parameter 'colour'; it has"),
        (["--param", "gamma=soft", "--method", "akyuz2007"], "gamma is 'soft'; expected a number"),
        (["--param", "peak=-1", "--method", "akyuz2007"], "peak is -1; expected"),
        (["--device", "warp"], "device 'warp' cannot be used here"),
        (["--max-memory", "lots"], "'lots' is not an amount of memory"),
        (["--format", "gif"], "gif"),
        (["--depth", "9"], "9"),
    ],
)
def test_wrong_options(photo: Path, relume: Relume, arguments: list[str], message: str) -> None:
    code, _, err = relume("expand", photo, *arguments)
    assert code == 1
    assert message in err
    assert err.count("\n") == 1


def test_wrong_usage_has_another_exit_code(relume: Relume) -> None:
    assert relume("expand")[0] == 2
    assert relume("shrink")[0] == 2


def test_missing_input(tmp_path: Path, relume: Relume) -> None:
    code, _, err = relume("expand", tmp_path / "none.jpg")
    assert code == 1
    assert err == f"relume: {tmp_path}/none.jpg: does not exist.\n"


def test_output_folder_that_cannot_be_made(photo: Path, tmp_path: Path, relume: Relume) -> None:
    code, _, err = relume("expand", photo, "-o", photo / "sub" / "x.exr")
    assert code == 1
    assert "cannot be made" in err


def test_convert_keeps_the_light(scene: Path, tmp_path: Path, relume: Relume) -> None:
    assert relume("convert", scene, tmp_path / "x.hdr")[0] == 0
    assert relume("convert", tmp_path / "x.hdr", tmp_path / "back.exr", "--depth", "32")[0] == 0
    before, _ = _exr(scene)
    after, _ = _exr(tmp_path / "back.exr")
    assert after.dtype == np.float32
    assert np.abs(after - before).max() <= before.max(axis=-1).max() / 128


def test_convert_refuses_to_clip_unless_forced(scene: Path, tmp_path: Path, relume: Relume) -> None:
    code, _, err = relume("convert", scene, tmp_path / "x.png", "--depth", "8")
    assert code == 1
    assert "relume tonemap" in err
    assert relume("convert", scene, tmp_path / "x.png", "--depth", "8", "--force")[0] == 0


@pytest.mark.parametrize("name", ["x.avif", "x.png"])
def test_expand_writes_for_hdr_screens(name: str, photo: Path, tmp_path: Path, relume: Relume) -> None:
    assert relume("expand", photo, "-o", tmp_path / name, "--peak", "600", "--transfer", "pq")[0] == 0
    code, out, _ = relume("info", tmp_path / name)
    assert code == 0
    assert "bt2020, pq, display-absolute, 1.0 = 10000 cd/m²" in out
    assert "mastering display: bt2020, 0.0001 to 600 cd/m²" in out
    assert "MaxCLL: " in out
    assert "stops above white, MaxCLL " in out


def test_peak_is_for_the_file_where_the_method_has_none(photo: Path, tmp_path: Path, relume: Relume) -> None:
    arguments = ("expand", photo, "--method", "linear", "--peak", "600")
    assert relume(*arguments, "-o", tmp_path / "x.avif")[0] == 0
    code, _, err = relume(*arguments, "-o", tmp_path / "x.exr")
    assert code == 1
    assert "peak" in err


def test_convert_goes_from_and_to_files_for_screens(scene: Path, tmp_path: Path, relume: Relume) -> None:
    assert relume("convert", scene, tmp_path / "x.avif", "--transfer", "hlg", "--primaries", "p3")[0] == 0
    assert relume("convert", tmp_path / "x.avif", tmp_path / "x.exr", "--primaries", "aces-ap1")[0] == 0
    pixels, header = _exr(tmp_path / "x.exr")
    assert header["chromaticities"][0] == pytest.approx(0.713)
    assert header["whiteLuminance"] == 1000.0
    assert np.isfinite(pixels).all()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--depth", "32"), "no depth of 32 bits"),
        (("--transfer", "gamma"), "no transfer 'gamma'"),
        (("--primaries", "aces-ap0"), "no primaries 'aces-ap0'"),
        (("--peak", "0"), "the peak is 0"),
    ],
)
def test_what_a_file_cannot_hold_is_told(
    arguments: tuple[str, str], problem: str, scene: Path, tmp_path: Path, relume: Relume
) -> None:
    code, _, err = relume("convert", scene, tmp_path / "x.avif", *arguments)
    assert code == 1
    assert problem in err
    assert not (tmp_path / "x.avif").exists()


def test_strip_leaves_out_what_the_camera_said(photo: Path, tmp_path: Path, relume: Relume) -> None:
    exif = Pillow.Exif()
    exif[0x010F] = "Maker"
    with Pillow.open(photo) as picture:
        picture.save(tmp_path / "told.png", exif=exif)
    for name, arguments, told in (("kept.avif", (), True), ("stripped.avif", ("--strip",), False)):
        assert relume("convert", tmp_path / "told.png", tmp_path / name, *arguments)[0] == 0
        assert relume("expand", tmp_path / "told.png", "-o", tmp_path / f"hdr-{name}", *arguments)[0] == 0
        for path in (tmp_path / name, tmp_path / f"hdr-{name}"):
            assert (b"Maker" in path.read_bytes()) is told


def test_info_in_sentences(photo: Path, scene: Path, relume: Relume) -> None:
    code, out, _ = relume("info", photo, scene)
    assert code == 0
    assert "PNG, 24 × 16, RGB, 8 bit" in out
    assert "luminance (relative)" in out
    assert "clipped 4." in out
    assert "luminance (cd/m²)" in out
    assert "stops above white" in out


def test_info_as_json_goes_on_after_a_bad_file(photo: Path, tmp_path: Path, relume: Relume) -> None:
    code, out, _ = relume("info", tmp_path / "none.exr", photo, "--json")
    assert code == 1
    bad, good = json.loads(out)
    assert "error" in bad
    assert good["encoding"] == {
        "primaries": "bt709",
        "transfer": "srgb",
        "reference": "display-relative",
        "white": None,
    }
    assert good["light"]["percentiles"]["max"] == pytest.approx(1.0)


def test_methods_lists_all_and_explains_one(relume: Relume) -> None:
    code, out, _ = relume("methods")
    assert code == 0
    assert out.count("(default)") == 2
    code, out, _ = relume("methods", "drago03")
    assert "--param bias=0.85" in out
    code, out, _ = relume("methods", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["drago2003"]["parameters"]["bias"]["maximum"] == 1.0


def test_demo(tmp_path: Path, relume: Relume) -> None:
    code, out, _ = relume("demo", "-o", tmp_path / "demo")
    assert code == 0
    names = sorted(path.name for path in (tmp_path / "demo").iterdir())
    assert names == ["expanded.exr", "photograph.png", "side-by-side.png", "tonemapped.png"]
    assert len(out.splitlines()) == 4
    assert relume("demo", "-o", tmp_path / "demo")[0] == 1  # nothing is overwritten unasked


@pytest.fixture
def camera_photo(tmp_path: Path) -> Path:
    path = tmp_path / "camera.jpg"
    codes = np.linspace(0, 255, 24 * 16 * 3).reshape(16, 24, 3).astype(np.uint8)
    codes[4:12, 4:12] = 255
    exif = Pillow.Exif()
    exif[0x010F] = "Canon"
    Pillow.fromarray(codes).save(path, quality=90, exif=exif.tobytes())
    return path


def test_a_jpeg_expands_into_ultra_hdr_over_the_same_photograph(
    camera_photo: Path, tmp_path: Path, relume: Relume
) -> None:
    assert relume("expand", camera_photo, "-o", tmp_path / "x.jpg") == (0, "", "")
    with Pillow.open(camera_photo) as before, Pillow.open(tmp_path / "x.jpg") as after:
        assert (np.asarray(before) == np.asarray(after)).all()
    text = relume("info", tmp_path / "x.jpg")[1]
    assert "Ultra HDR JPEG" in text
    assert "headroom: " in text
    # It is HDR now: expanding it again needs to be asked for.
    code, _, err = relume("expand", tmp_path / "x.jpg", "-o", tmp_path / "again.exr")
    assert code == 1
    assert "is HDR already" in err
    assert relume("expand", tmp_path / "x.jpg", "-o", tmp_path / "x.exr", "--ignore-gain-map")[0] == 0
    assert relume("tonemap", tmp_path / "x.jpg", "-o", tmp_path / "x.png")[0] == 0


def test_strip_leaves_the_camera_out_of_ultra_hdr(camera_photo: Path, tmp_path: Path, relume: Relume) -> None:
    for name, extra in (("kept", ()), ("stripped", ("--strip",))):
        assert relume("expand", camera_photo, "-o", tmp_path / f"{name}.jpg", *extra)[0] == 0
    assert b"Canon" in (tmp_path / "kept.jpg").read_bytes()
    assert b"Canon" not in (tmp_path / "stripped.jpg").read_bytes()


def test_light_converts_to_ultra_hdr_and_back(scene: Path, tmp_path: Path, relume: Relume) -> None:
    assert relume("convert", scene, tmp_path / "x.jpg", "--gain-map-channels", "1")[0] == 0
    assert relume("convert", tmp_path / "x.jpg", tmp_path / "y.exr")[0] == 0
    ratio = _exr(tmp_path / "y.exr")[0][5, 5] / _exr(scene)[0][5, 5]
    assert ratio.tolist() == pytest.approx([1.0] * 3, abs=0.05)
    assert relume("convert", tmp_path / "x.jpg", tmp_path / "sdr.png", "--ignore-gain-map")[0] == 0


def test_transparency_is_refused_before_the_work(tmp_path: Path, relume: Relume) -> None:
    codes = np.full((16, 24, 4), 200, np.uint8)
    codes[:, :8, 3] = 10
    Pillow.fromarray(codes).save(tmp_path / "glass.png")
    code, _, err = relume("expand", tmp_path / "glass.png", "-o", tmp_path / "x.jpg", "--method", "linear")
    assert code == 1
    assert "partly transparent" in err


def _layers(path: Path) -> dict[str, np.ndarray]:
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: np.array(channel.pixels) for name, channel in file.channels().items()}


def test_expand_tells_in_layers_what_was_invented(photo: Path, tmp_path: Path, relume: Relume) -> None:
    assert relume("expand", photo, "-o", tmp_path / "a.exr")[0] == 0
    layers = _layers(tmp_path / "a.exr")
    assert sorted(layers) == ["B", "G", "R", "clipped.Y", "confidence.Y"]
    assert (layers["clipped.Y"][4:8, 4:8] == 1.0).all()
    assert (layers["confidence.Y"][4:8, 4:8] < 0.6).all()
    assert layers["clipped.Y"][0, 0] == 0.0
    assert layers["confidence.Y"][0, 0] == 1.0
    assert relume("expand", photo, "-o", tmp_path / "b.exr", "--no-masks")[0] == 0
    bare = _layers(tmp_path / "b.exr")
    assert sorted(bare) == ["B", "G", "R"]
    assert all(np.array_equal(bare[name], layers[name]) for name in bare)
    assert relume("expand", photo, "-o", tmp_path / "c.exr", "--method", "linear")[0] == 0
    assert sorted(_layers(tmp_path / "c.exr")) == ["B", "G", "R"]


def test_response_and_highlights_are_flags(photo: Path, tmp_path: Path, relume: Relume) -> None:
    for name, *flags in (
        ("default",),
        ("estimated", "--response", "estimated"),
        ("screen", "--response", "srgb"),
        ("plain", "--response", "srgb", "--highlights", "0"),
    ):
        assert relume("expand", photo, "-o", tmp_path / f"{name}.exr", *flags)[0] == 0
    light = {path.stem: _exr(path)[0] for path in tmp_path.glob("*.exr")}
    assert np.array_equal(light["default"], light["estimated"])
    assert not np.allclose(light["default"], light["screen"], atol=1e-3)
    assert light["screen"].max() > 1.0 == light["plain"].max()
    code, _, err = relume(
        "expand", photo, "-o", tmp_path / "x.exr", "--method", "linear", "--highlights", "0.5"
    )
    assert code == 1
    assert "linear has no parameter 'highlights'" in err
    assert relume("expand", photo, "-o", tmp_path / "x.exr", "--highlights", "2")[0] == 1
    assert not (tmp_path / "x.exr").exists()


def test_bracket(photo: Path, tmp_path: Path, relume: Relume) -> None:
    code, out, _ = relume("expand", photo, "--bracket", "-4:4:2", "--json")
    assert code == 0
    names = [f"photo.ev{exposure}.png" for exposure in ("-4", "-2", "+0", "+2", "+4")]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "photo.png"])
    assert json.loads(out)[0]["output"] == [str(tmp_path / name) for name in names]
    with Pillow.open(photo) as before, Pillow.open(tmp_path / names[2]) as after:
        differences = np.abs(np.asarray(before).astype(int) - np.asarray(after))
        assert differences[np.asarray(before) < 239].max() <= 1
    assert relume("expand", photo, "-o", tmp_path / "b" / "x.jpg", "--bracket", "0:1:0.5")[0] == 0
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == [
        "x.ev+0.5.jpg", "x.ev+0.jpg", "x.ev+1.jpg",
    ]  # fmt: skip
    for wrong in ("1", "4:-4:2", "0:1:0", "a:b:c", "0:100:1"):
        code, _, err = relume("expand", photo, "-o", tmp_path / "y.png", "--bracket", wrong)
        assert (code, "expected from:to:step" in err) == (1, True), wrong
    code, _, err = relume("expand", photo, "-o", tmp_path / "y.exr", "--bracket", "0:1:1")
    assert code == 1
    assert "PNG or JPEG" in err


def test_panoramas_wrap_by_tag_or_flag(tmp_path: Path, relume: Relume) -> None:
    codes = np.full((64, 128, 3), 90, np.uint8)
    codes[20:40, :30] = codes[30:50, 110:] = 255
    packet = '<x:xmpmeta><rdf:Description GPano:ProjectionType="equirectangular"/></x:xmpmeta>'
    Pillow.fromarray(codes).save(tmp_path / "a.jpg", quality=100, xmp=packet.encode())
    seen = {}
    for name, *flags in (("tag",), ("flag", "--panorama"), ("off", "--no-panorama")):
        code, out, _ = relume("expand", tmp_path / "a.jpg", "-o", tmp_path / f"{name}.exr", "--json", *flags)
        assert code == 0
        assert json.loads(out)[0]["parameters"]["panorama"] is (name != "off")
        seen[name] = _exr(tmp_path / f"{name}.exr")[0]
    assert np.array_equal(seen["tag"], seen["flag"])
    assert not np.array_equal(seen["tag"], seen["off"])


def test_peak_and_headroom_are_told(photo: Path, tmp_path: Path, relume: Relume) -> None:
    code, out, _ = relume("expand", photo, "-o", tmp_path / "a.exr", "--json")
    [row] = json.loads(out)
    assert code == 0
    assert row["headroom_stops"] == pytest.approx(np.log2(row["peak"] / 203.0), abs=0.01)
    _, out, _ = relume("info", tmp_path / "a.exr")
    assert f"peak: {row['peak']:.4g} cd/m²" in out
    assert f"headroom: {row['headroom_stops']:.1f} stops above white" in out
    _, out, _ = relume("expand", photo, "-o", tmp_path / "b.exr", "--json", "--peak", "240")
    assert json.loads(out)[0]["peak"] <= 240.0


def test_the_same_input_gives_the_same_bytes(photo: Path, tmp_path: Path, relume: Relume) -> None:
    for name in "ab":
        assert relume("expand", photo, "-o", tmp_path / f"{name}.exr")[0] == 0
    assert (tmp_path / "a.exr").read_bytes() == (tmp_path / "b.exr").read_bytes()
