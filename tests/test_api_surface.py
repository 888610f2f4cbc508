"""The public names, pinned: removing or adding one is a decision, made here and in the changelog."""

import subprocess
import sys

import relume

PUBLIC = [
    "Encoding",
    "EncodingError",
    "FileError",
    "Image",
    "ImageError",
    "MemoryLimitError",
    "Metadata",
    "MethodError",
    "MethodSpec",
    "Reference",
    "RelumeError",
    "UnreadableFile",
    "UnsupportedFormat",
    "UnwritableFile",
    "__version__",
    "evaluation",
    "expand",
    "load",
    "methods",
    "metrics",
    "models",
    "probe",
    "read",
    "tonemap",
    "write",
]


def test_public_names() -> None:
    assert relume.__all__ == PUBLIC
    assert dir(relume) == PUBLIC


def test_each_name_is_what_it_says() -> None:
    for name in PUBLIC:
        if name[0].isupper():
            assert getattr(relume, name).__name__ == name
    for name in ("expand", "load", "methods", "probe", "read", "tonemap", "write"):
        assert callable(getattr(relume, name))


def test_rooms_are_found_without_an_import_of_their_own() -> None:
    code = "import relume; relume.metrics.hdr_vdp3; relume.models.build; relume.evaluation"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_and_import_cost_nothing() -> None:
    """`import relume` and `relume --help` once took seconds, because torch came along."""
    code = (
        "import sys, relume\n"
        "from relume.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "heavy = {'torch', 'numpy', 'PIL', 'OpenEXR', 'skimage', 'imagecodecs'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "expand" in done.stdout
