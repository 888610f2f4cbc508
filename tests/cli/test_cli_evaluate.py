"""`relume evaluate` as a person uses it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from relume.cli.main import main
from relume.color.encoding import LINEAR_NITS, LINEAR_SCENE, SRGB, Encoding
from relume.data.synthetic import synthetic_scene
from relume.image import Image
from relume.io.write import write

Evaluate = Callable[..., tuple[int, str, str]]
QUICK = ("--metrics", "pu_psnr", "--workers", "1")


@pytest.fixture
def evaluate(capsys: pytest.CaptureFixture[str]) -> Evaluate:
    """Run the command; give exit code, standard output and standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["evaluate", *(str(argument) for argument in arguments)])
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run


def save(
    path: Path, seed: int, *, encoding: Encoding = LINEAR_NITS, size: tuple[int, int] = (24, 32)
) -> Path:
    path.parent.mkdir(exist_ok=True)
    light = synthetic_scene(size=size, generator=torch.Generator().manual_seed(seed))
    scale = 200.0 if encoding == LINEAR_NITS else 1.0
    write(path, Image((scale * light).clamp(max=float("inf") if encoding.is_hdr else 1.0), encoding))
    return path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return save(tmp_path / "a.exr", 1), save(tmp_path / "b.exr", 2)


def test_two_files(pair: tuple[Path, Path], evaluate: Evaluate) -> None:
    code, out, err = evaluate(*pair, *QUICK)
    assert (code, err) == (0, "")
    blocks = out.strip().split("\n\n")
    assert [block.splitlines()[0].rsplit(": ")[-1] for block in blocks] == ["tone-curve", "gain", "none"]
    assert blocks[0].startswith("pu_psnr (PU21")
    assert " dB" in blocks[0].splitlines()[1]


def test_options_reach_the_numbers(pair: tuple[Path, Path], evaluate: Evaluate) -> None:
    arguments = ("--peak", "600", "--protocol", "none,percentile", "--json")
    code, out, _ = evaluate(*pair, *QUICK, *arguments)
    content = json.loads(out)
    assert code == 0
    assert [record["protocol"] for record in content["records"]] == ["none", "percentile"]
    assert "peak 600 cd/m²" in content["records"][0]["described"]


def test_settings_of_a_paper_and_what_goes_before_them(pair: tuple[Path, Path], evaluate: Evaluate) -> None:
    code, out, _ = evaluate(*pair, "--paper", "singlehdr", *QUICK, "--json")
    assert code == 0
    (record,) = json.loads(out)["records"]
    assert (record["metric"], record["protocol"]) == ("pu_psnr", "percentile")


def test_folders_list_odd_pictures_and_go_on_past_bad_ones(tmp_path: Path, evaluate: Evaluate) -> None:
    for name in ("one", "two"):
        save(tmp_path / "p" / f"{name}.exr", 1)
        save(tmp_path / "r" / f"{name}.exr", 2)
    save(tmp_path / "p" / "three.exr", 1, size=(10, 12))
    save(tmp_path / "r" / "three.exr", 1)
    save(tmp_path / "p" / "alone.exr", 1)
    code, out, err = evaluate(tmp_path / "p", tmp_path / "r", *QUICK, "--csv")
    assert code == 1
    lines = out.splitlines()
    assert lines[0] == "scene,picture,method,metric,protocol,value,described"
    assert len(lines) == 1 + 2 * 3
    assert "alone.exr: has no partner of that name and is left out." in err
    assert "12 × 10 and" in err
    assert "1 of 3 pictures could not be measured in full." in err


@pytest.mark.parametrize(
    ("encoding", "suffix", "sentence"),
    [
        (SRGB, ".png", "is an SDR picture"),
        (LINEAR_SCENE, ".exr", "holds relative light, and pu_psnr needs cd/m²"),
    ],
)
def test_wrong_light_is_one_sentence(
    tmp_path: Path,
    pair: tuple[Path, Path],
    evaluate: Evaluate,
    encoding: Encoding,
    suffix: str,
    sentence: str,
) -> None:
    wrong = save(tmp_path / f"wrong{suffix}", 1, encoding=encoding)
    code, out, err = evaluate(wrong, pair[1], *QUICK, "--protocol", "none")
    assert code == 1
    assert out.strip() == ""
    assert err.count("relume:") == 1
    assert sentence in err


def test_relative_light_with_a_reference_white(
    tmp_path: Path, pair: tuple[Path, Path], evaluate: Evaluate
) -> None:
    relative = save(tmp_path / "relative.exr", 1, encoding=LINEAR_SCENE)
    assert evaluate(relative, pair[1], *QUICK, "--reference-white", "203")[0] == 0


def test_tone_mapped_files(tmp_path: Path, evaluate: Evaluate) -> None:
    sdr = save(tmp_path / "a.png", 1, encoding=SRGB, size=(180, 190))
    hdr = save(tmp_path / "a.exr", 1, encoding=LINEAR_SCENE, size=(180, 190))
    code, out, _ = evaluate(sdr, hdr, "--tonemap", "--workers", "1")
    assert code == 0
    assert out.startswith("tmqi")


def test_methods_are_run_and_the_unprocessed_picture_is_a_row(tmp_path: Path, evaluate: Evaluate) -> None:
    for seed in (1, 2):
        save(tmp_path / "scenes" / f"s{seed}.exr", seed, encoding=LINEAR_SCENE)
    arguments = ("--methods", "banterle2006,akyuz2007:gamma=1.5", "--data", tmp_path / "scenes")
    report = tmp_path / "r.html"
    code, out, err = evaluate(
        *arguments, "--camera", "sihdr-clip95", *QUICK, "--protocol", "gain", "--html", report, "--json"
    )
    assert code == 0
    assert "measuring 2 pictures of 2 scenes, all HDR pictures in" in err
    rows = json.loads(out)["summary"]
    assert [row["method"] for row in rows] == ["unprocessed", "banterle2006", "akyuz2007:gamma=1.5"]
    assert "fewer than 5 scenes" in rows[1]["verdict"]
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(list((tmp_path / "r.cache").rglob("*.json"))) == 6
    code, _, err = evaluate(*arguments, *QUICK, "--html", report)
    assert code == 1
    assert "exists already" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "expected PREDICTION and REFERENCE"),
        (("a.exr",), "expected PREDICTION and REFERENCE"),
        (("--methods", "drago2003"), "give --data DIR"),
        (("--methods", "drago2003,akyuz2007", "--data", "."), "methods of one direction"),
        (("a.exr", "b.exr"), "does not exist"),
        (("a.exr", "b.exr", "--json", "--csv"), "choose one"),
        (("a.exr", "b.exr", "--html", "nowhere/r.html"), "its folder does not exist"),
    ],
)
def test_wrong_usage_is_told(arguments: tuple[str, ...], sentence: str, evaluate: Evaluate) -> None:
    code, _, err = evaluate(*arguments)
    assert code == 1
    assert sentence in err


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (("--metrics", "psnr"), "there is no metric 'psnr'"),
        (("--protocol", "fair"), "there is no protocol 'fair'"),
        (("--paper", "nobody"), "there are no settings of 'nobody'"),
    ],
)
def test_unknown_names_are_told_with_the_known(
    pair: tuple[Path, Path], option: tuple[str, str], sentence: str, evaluate: Evaluate
) -> None:
    code, _, err = evaluate(*pair, *option)
    assert code == 1
    assert sentence in err
