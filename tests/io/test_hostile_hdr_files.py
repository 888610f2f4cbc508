"""Damaged and malicious HDR files: our own errors, in time, within memory, whatever the bytes are."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import OpenEXR
import psutil
import pytest
import torch

from relume.color.encoding import LINEAR_SCENE
from relume.errors import RelumeError
from relume.image import Image
from relume.io import probe, read, write

# More than any of these small pictures needs, less than what a lying header asks for.
MEMORY = 1 << 30


def small_picture() -> Image:
    pixels = torch.from_numpy(np.random.default_rng(5).lognormal(size=(3, 12, 21)).astype(np.float32))
    pixels[:, 3:6, 4:18] = 0.5
    return Image(pixels, LINEAR_SCENE)


def pfm_files(folder: Path) -> list[bytes]:
    write(folder / "a.pfm", small_picture())
    grey = b"Pf 5 4 2.0\n" + np.linspace(0, 9, 20).astype(">f4").tobytes()
    return [(folder / "a.pfm").read_bytes(), grey]


def radiance_files(folder: Path) -> list[bytes]:
    write(folder / "a.hdr", small_picture())
    by_component = (folder / "a.hdr").read_bytes()
    pixels = bytes((200, 100, 50, 130, 1, 1, 1, 30, 9, 8, 7, 129, 1, 1, 1, 9, 1, 1, 1, 1))
    old = b"#?RGBE\nFORMAT=32-bit_rle_rgbe\nEXPOSURE=2\n\n+X 2 -Y 149\n" + pixels
    flat = b"#?RADIANCE\nFORMAT=32-bit_rle_xyze\nCOLORCORR=1 2 3\n\n-Y 2 +X 3\n" + bytes(range(100, 124))
    return [by_component, old, flat]


def exr_files(folder: Path) -> list[bytes]:
    half = small_picture().numpy().astype(np.float16)
    path = str(folder / "a.exr")
    contents = []
    for compression in ("NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "DWAA", "DWAB", "HTJ2K32", "ZSTD"):
        header = {"compression": getattr(OpenEXR, f"{compression}_COMPRESSION"), "whiteLuminance": 203.0}
        with OpenEXR.File(header, {"RGB": half}) as file:
            file.write(path)
        contents.append(Path(path).read_bytes())
    with OpenEXR.File(
        {"type": OpenEXR.tiledimage, "tiles": OpenEXR.TileDescription()}, {"RGB": half}
    ) as file:
        file.write(path)
    contents.append(Path(path).read_bytes())
    header = {"type": OpenEXR.scanlineimage}
    parts = [OpenEXR.Part({"name": name, **header}, {"RGB": half}, name) for name in ("left", "right")]
    with OpenEXR.File(parts) as file:
        file.write(path)
    return [*contents, Path(path).read_bytes()]


def mutations(contents: list[bytes], *, count: int, seed: int, keep: int) -> Iterator[bytes]:
    """Files cut short and with bytes changed, in the header more often; the first `keep` bytes stay."""
    random = np.random.default_rng(seed)
    telling = np.frombuffer(b"\x00\x01\x7f\x80\xff 0919+-.eE\n", np.uint8)
    for _ in range(count):
        content = bytearray(contents[random.integers(len(contents))])
        if random.random() < 0.3:
            del content[random.integers(keep, len(content)) :]
        for _ in range(random.integers(0, 6)):
            end = len(content) if random.random() < 0.4 else min(len(content), 400)
            if end > keep:
                byte = random.integers(256) if random.random() < 0.6 else random.choice(telling)
                content[random.integers(keep, end)] = byte
        yield bytes(content)


def outcome(path: Path) -> str:
    """How looking at a file ends; any error that is not ours passes through."""
    try:
        probe(path)
        read(path)
    except RelumeError as error:
        kind, message = type(error).__name__, str(error)
    else:
        return "read"
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return kind


@pytest.mark.parametrize(("make", "suffix"), [(pfm_files, ".pfm"), (radiance_files, ".hdr")])
def test_thousands_of_damaged_files(make, suffix: str, tmp_path: Path) -> None:
    before = psutil.Process().memory_info().rss
    outcomes = Counter[str]()
    for number, content in enumerate(mutations(make(tmp_path), count=2000, seed=1, keep=2)):
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(content)
        outcomes[outcome(path)] += 1
    assert outcomes["read"] > 100
    assert outcomes["UnreadableFile"] > 300
    assert psutil.Process().memory_info().rss - before < MEMORY


def test_hundreds_of_damaged_exr_files(tmp_path: Path) -> None:
    # In a process of its own: the library is not ours, and says much on its standard error.
    command = [sys.executable, __file__, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    outcomes = dict(re.findall(r"^outcome (\w+) (\d+)$", done.stdout, re.MULTILINE))
    assert int(outcomes["read"]) > 50
    assert int(outcomes["UnreadableFile"]) > 200


@pytest.mark.parametrize(
    "content",
    [
        b"PF\n999999999 999999999\n-1.0\n",
        b"PF\n1 999999999\n-1.0\n" + bytes(1000),
        b"#?RADIANCE\n\n-Y 999999999 +X 999999999\n" + bytes(1000),
        b"#?RADIANCE\n\n-Y 30000 +X 20000\n" + bytes((2, 2, 20000 >> 8, 20000 & 255)) + bytes(1000),
        b"#?RADIANCE\n\n-Y 1 +X 500000000\n" + bytes((9, 9, 9, 9)) + bytes((1, 1, 1, 255)) * 4,
        b"#?RADIANCE\n" + b"A=1\n" * 300_000,
        b"#?RADIANCE\n" + b"EXPOSURE=1e9\n" * 60_000 + b"\n-Y 1 +X 1\n" + bytes(4),
        b"\x76\x2f\x31\x01\x02\x00\x00\x00" + b"A" * 100_000,
        b"\x76\x2f\x31\x01\x02\x00\x00\x00" + b"a\0int\0\x04\0\0\0\0\0\0\0" * 100_000,
        b"\x76\x2f\x31\x01\x02\x10\x00\x00" + (b"a\0int\0\x04\0\0\0\0\0\0\0" + b"\0") * 100_000,
    ],
)
def test_small_files_that_ask_for_much_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    before = psutil.Process().memory_info().rss
    assert outcome(path) in ("UnreadableFile", "MemoryLimitError")
    assert psutil.Process().memory_info().rss - before < MEMORY / 4


def _damage_exr_files(folder: Path) -> None:
    outcomes = Counter[str]()
    for number, content in enumerate(mutations(exr_files(folder), count=900, seed=1, keep=4)):
        path = folder / f"{number}.exr"
        path.write_bytes(content)
        outcomes[outcome(path)] += 1
    assert psutil.Process().memory_info().rss < 2 * MEMORY
    for name, number in outcomes.items():
        print(f"\noutcome {name} {number}")


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("THREADS", "1")))
    _damage_exr_files(Path(sys.argv[1]))
