"""The page docs/results.md: sections that the benchmarks write, each between two marks, with their origin.

Import `publish` and `provenance`; this file does nothing by itself.
"""

import datetime
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

PAGE = Path(__file__).parents[1] / "docs" / "results.md"

_STARTED = time.monotonic()


def publish(section: str, lines: Sequence[str], *, write: bool) -> None:
    """Print a section, and put it between its marks on the page if asked to."""
    content = "\n".join(lines)
    print(content)
    if write:
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), section, content), encoding="utf-8")
        print(f"\nwritten to the section '{section}' of {PAGE}", file=sys.stderr)


def replaced(page: str, section: str, content: str) -> str:
    """The page with other content between the marks of a section."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"{PAGE} has no section '{section}'; expected one '{begin}' and one '{end}'.")
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n\n{content}\n\n{end}{rest.partition(end)[2]}"


def provenance(*facts: str) -> str:
    """When, on what, of which commit, with what else a reader needs, and the command that does it again."""
    minutes = (time.monotonic() - _STARTED) / 60.0
    machine = f"{os.cpu_count()} cores of load {os.getloadavg()[0]:.1f}"
    if torch.cuda.is_available():
        machine += f", {torch.cuda.get_device_name()}"
    # Where things lay on this machine is of no use to a reader.
    given = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:]]
    command = shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *given])
    told = [str(datetime.date.today()), machine, f"torch {torch.__version__}", f"commit {commit()}", *facts]
    return f"{', '.join(told)}; {minutes:.0f} minutes. Again by `{command}`."


def commit() -> str:
    """The commit that was measured, and whether the package had changed since."""

    def git(*arguments: str) -> str:
        folder = Path(__file__).parent
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True).stdout.strip()

    changed = " with local changes" if git("status", "--porcelain", "--", "../src") else ""
    return (git("rev-parse", "--short", "HEAD") or "unknown") + changed
