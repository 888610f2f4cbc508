"""Damaged and malicious AVIF, HEIC, JPEG XL and HDR PNG: our errors, in time, within a limit of memory."""

import os
import re
import resource
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from relume.color.encoding import LINEAR_NITS, SRGB
from relume.color.primaries import BT2020
from relume.errors import RelumeError
from relume.image import Image, Metadata
from relume.io import probe, read, write
from relume.io.formats import WriteOptions

MUTATIONS = 300
HEAD = 700
NASTY = (0, 1, 4, 127, 128, 255)
# What the process may take beside what it has once all libraries are loaded.
ROOM = 3 << 29
SUFFIXES = [".avif", ".heic", ".jxl", ".png"]


def contents(folder: Path, suffix: str) -> list[bytes]:
    """An HDR file, and an SDR file with alpha."""
    random = torch.Generator().manual_seed(3)
    pixels = 400.0 * torch.rand(3, 40, 56, generator=random)
    metadata = Metadata(make="Maker", date=datetime(2024, 1, 1))
    hdr = Image(pixels, replace(LINEAR_NITS, primaries=BT2020), metadata=metadata)
    sdr = Image(pixels / 400.0, SRGB, torch.rand(1, 40, 56, generator=random))
    path = folder / f"whole{suffix}"
    found = []
    for image, options in ((hdr, WriteOptions()), (hdr, WriteOptions(quality=100)), (sdr, WriteOptions())):
        write(path, image, overwrite=True, options=options)
        found.append(path.read_bytes())
    return found


def mutations(files: list[bytes], *, count: int, seed: int) -> Iterator[bytes]:
    """Files cut short, with bytes changed, mostly in the head, and with parts doubled or left out."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        content = bytearray(files[random.integers(len(files))])
        if random.random() < 0.15:
            del content[random.integers(12, len(content)) :]
        if random.random() < 0.1:
            start, stop = sorted(random.integers(12, len(content), 2).tolist())
            content[start:stop] = content[start:stop] * int(random.integers(0, 3))
        for _ in range(random.integers(1, 6)):
            end = len(content) if random.random() < 0.3 else min(len(content), HEAD)
            if end > 12:
                byte = random.choice(NASTY) if random.random() < 0.6 else random.integers(256)
                content[random.integers(12, end)] = byte
        yield bytes(content)


def outcome(path: Path) -> str:
    """How looking at a file ends; any error that is not ours passes through."""
    try:
        probe(path)
        image = read(path)
    except RelumeError as error:
        message = str(error)
        assert message.startswith(f"{path}: ")
        assert message.isprintable()
        return type(error).__name__
    assert image.pixels.shape[0] == 3
    return "read"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_hundreds_of_damaged_files(suffix: str, tmp_path: Path) -> None:
    # In a process of its own, with a limit of memory: the decoders are not ours.
    pytest.importorskip("OpenImageIO", reason="JPEG XL is written by OpenImageIO")
    pytest.importorskip("pillow_heif", reason="HEIC needs pillow-heif")
    command = [sys.executable, __file__, str(tmp_path), suffix]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    outcomes = Counter({name: int(n) for name, n in re.findall(r"^outcome (\w+) (\d+)$", done.stdout, re.M)})
    assert outcomes["read"] > 5
    assert outcomes["UnreadableFile"] > 20
    assert outcomes.total() == MUTATIONS


def box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


def full(kind: bytes, payload: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags) + payload)


def heif(
    *, iloc: bytes = b"\x44\0\0\0", ipma: bytes = bytes(4), ipco: bytes = b"", before: bytes = b""
) -> bytes:
    """An AVIF of one item, made of parts."""
    item = full(b"infe", struct.pack(">HH4s", 1, 0, b"av01") + b"\0", version=2)
    meta = (
        full(b"hdlr", bytes(20))
        + full(b"pitm", b"\0\1")
        + full(b"iloc", iloc)
        + full(b"iinf", b"\0\1" + item)
        + box(b"iprp", box(b"ipco", ipco) + full(b"ipma", ipma))
    )
    return box(b"ftyp", b"avif\0\0\0\0avif") + before + full(b"meta", meta)


def ispe(width: int, height: int) -> bytes:
    return full(b"ispe", struct.pack(">II", width, height))


ONE = b"\0\0\0\1" + b"\0\1"  # associations of one item, number 1
JXL = b"\0\0\0\x0cJXL \r\n\x87\n"


@pytest.mark.parametrize(
    "content",
    [
        box(b"ftyp", b"avif\0\0\0\0avif") + struct.pack(">I4sQ", 1, b"meta", 1 << 62),
        box(b"ftyp", b"avif\0\0\0\0avif") + struct.pack(">I4s", 0xFFFFFFFF, b"meta") + bytes(1000),
        box(b"ftyp", b"avif\0\0\0\0avif") + box(b"free", b"") * 100_000,
        heif(),
        heif(before=struct.pack(">I4s", 4, b"free")),
        heif(iloc=b"\x44\0" + b"\xff\xff" + (b"\0\1\0\0\xff\xff" + bytes(8)) * 10),
        heif(iloc=b"\x44\0\0\1" + b"\0\1\0\0\xff\xff" + bytes(8) * 0xFFFF),
        heif(ipma=b"\xff\xff\xff\xff"),
        heif(ipma=b"\0\0\x0f\xff" + (b"\0\1\xff" + b"\1" * 255) * 4095, ipco=ispe(8, 8)),
        heif(ipma=ONE + b"\1\1", ipco=ispe(0, 8)),
        heif(ipma=ONE + b"\1\1", ipco=ispe(1 << 31, 1 << 31)),
        heif(ipma=ONE + b"\1\1", ipco=ispe(65_536, 65_536)),
        heif(
            ipma=ONE + b"\2\1\2",
            ipco=ispe(8, 8) + box(b"clap", struct.pack(">IIIIiIiI", 4, 0, 4, 1, 0, 1, 0, 1)),
        ),
        heif(
            ipma=ONE + b"\2\1\2",
            ipco=ispe(8, 8) + box(b"clap", struct.pack(">IIIIiIiI", 9, 1, 4, 1, 0, 1, 0, 1)),
        ),
        b"\xff\x0a",
        b"\xff\x0a" + b"\xff" * 100,
        b"\xff\x0a" + bytes(100),
        JXL + box(b"jxlp", bytes(4)) * 10_000,
        JXL + struct.pack(">I4sQ", 1, b"jxlc", 1 << 63),
        JXL + struct.pack(">I4s", 3, b"jxlc"),
        JXL + box(b"brob", b"Exif" + bytes(50)) + box(b"jxlc", b"\xff\x0a"),
    ],
)
def test_small_files_that_ask_for_much_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    before = psutil.Process().memory_info().rss
    assert outcome(path) in ("UnreadableFile", "UnsupportedFormat", "MemoryLimitError")
    assert psutil.Process().memory_info().rss - before < ROOM / 4


def _damage(folder: Path, suffix: str) -> None:
    files = contents(folder, suffix)
    (folder / f"first{suffix}").write_bytes(files[0])
    outcome(folder / f"first{suffix}")
    limit = psutil.Process().memory_info().vms + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    outcomes = Counter[str]()
    for number, content in enumerate(mutations(files, count=int(os.environ.get("COUNT", MUTATIONS)), seed=8)):
        path = folder / f"{number}{suffix}"
        path.write_bytes(content)
        outcomes[outcome(path)] += 1
        path.unlink()
    for name, number in outcomes.items():
        print(f"\noutcome {name} {number}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    _damage(Path(sys.argv[1]), sys.argv[2])
