"""What all tests share: where the shared data lies, and a generator with a fixed seed."""

from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with scenes and reference values beside the checkout; without it the test is skipped."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "conformance").is_dir():
        pytest.skip("needs the reference values of ../shared, which are not here")
    return folder


@pytest.fixture
def generator() -> torch.Generator:
    """A random generator that gives every test the same numbers on every run."""
    return torch.Generator().manual_seed(2026)
