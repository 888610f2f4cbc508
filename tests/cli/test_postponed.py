"""Postponed modules, each case in a Python of its own: this one has imported torch long ago."""

import subprocess
import sys
from pathlib import Path

import pytest

from relume.cli.postponed import OF_TORCH


def python(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """`late` says when it runs."""
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "__init__.py").write_text("print('runs')\nvalue = 7\n")
    (tmp_path / "late" / "inner.py").write_text("from late import value\n")
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    return tmp_path


BEGIN = "import sys; sys.path.insert(0, sys.argv[1]); from relume.cli.postponed import postpone\n"


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("print(late.value)", "ready runs 7"),
        ("from late import value; print(value)", "ready runs 7"),
        ("import late.inner; print(late.inner.value)", "ready runs 7"),
        ("print(hasattr(late, 'nothing'))", "ready runs False"),
        ("import inspect; inspect.getmodule(compile); print(late.__file__[-16:], late.__doc__)", None),
    ],
)
def test_a_module_runs_when_it_is_used_and_not_before(package: Path, use: str, expected: str | None) -> None:
    told = python(
        f"{BEGIN}postpone({{'late': ()}}); import late; print('ready'); {use}", str(package)
    ).split()
    assert told == (expected.split() if expected else ["ready", "late/__init__.py", "None"])


def test_it_runs_once(package: Path) -> None:
    code = "import late; late.value; late.value; import late; print(type(late).__name__)"
    assert python(f"{BEGIN}postpone({{'late': ()}}); {code}", str(package)).split() == ["runs", "module"]


def test_what_cannot_be_imported_says_so_each_time(package: Path) -> None:
    code = """postpone({'broken': ()})
import broken
for _ in range(2):
    try:
        broken.value
    except ModuleNotFoundError as error:
        print(error.name)
"""
    assert python(BEGIN + code, str(package)).split() == ["nothing_of_that_name"] * 2


def test_what_others_count_on_runs_in_its_place(package: Path) -> None:
    code = "postpone({'late.inner': ['wave']}); import late.inner; print(sorted({'wave'} & set(sys.modules)))"
    assert python(BEGIN + code, str(package)).split() == ["runs", "['wave']"]


def test_names_that_there_are_not_are_as_missing_as_before(package: Path) -> None:
    code = """postpone({'nowhere': ()})
try:
    import nowhere
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert python(BEGIN + code, str(package)).split() == ["nowhere"]


def test_commands_do_without_the_parts_of_torch(tmp_path: Path) -> None:
    """What an expansion needs is there, what it does not need has not run, and works when it is wanted."""
    code = """
import sys
from relume.cli.main import main
def run(*arguments):
    try:
        main(list(arguments))
    except SystemExit as exit:
        assert not exit.code
run("demo", "--output", sys.argv[1])
run("train", "smoke", "--steps", "2", "--workers", "0", "--out", sys.argv[1] + "/run")
print(*(type(sys.modules[name]).__name__ for name in sys.argv[2:]))
import torch
assert torch.Generator().manual_seed(1).initial_seed() == 1
torch._meta_registrations.activate_meta
print(torch.export.Dim.__name__, torch.cdist(*torch.ones(2, 3, 4, device="meta")).shape[0])
print(*(type(sys.modules[name]).__name__ for name in sys.argv[2:]))
"""
    *_, before, used, after = python(code, str(tmp_path / "demo"), *OF_TORCH).splitlines()
    assert before == "Postponed Postponed"
    assert used == "Dim 3"
    assert after == "module module"
