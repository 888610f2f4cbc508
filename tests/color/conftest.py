"""The oracle: the package colour-science, which was written independently of this one."""

import warnings
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def colour() -> ModuleType:
    """colour-science, without its complaint that there is nothing to plot with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("colour", reason="needs colour-science, which is in the extra `dev`")
