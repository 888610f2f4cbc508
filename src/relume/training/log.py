"""What a run tells: lines of JSON, TensorBoard, pictures, and a bar on the terminal."""

import json
import math
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from PIL import Image as Pillow
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FILE = "log.jsonl"
PICTURES = "pictures"


class Log(AbstractContextManager["Log"]):
    """The log of one run, for the process that writes.

        log.jsonl     one object a line: step, stage, kind ("train", "validation", "notice"), values
        tensorboard/  the same as curves, and the pictures, where tensorboard is installed
        pictures/     <step>-<number>.png

    Args:
        folder: of the run; it exists.
        title: of the bar.
        steps: of the whole run.
        done: steps that are finished already; what an interrupted run logged after them is forgotten.
        silent: of the other processes: writes and shows nothing.
    """

    def __init__(self, folder: Path, *, title: str, steps: int, done: int, silent: bool) -> None:
        self._folder, self._title, self._done, self._silent = folder, title, done, silent
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        hidden = silent or not sys.stderr.isatty()
        self._bar = Progress(*columns, console=Console(stderr=True), disable=hidden)
        self._task = self._bar.add_task(title, total=steps, completed=done)

    def __enter__(self) -> "Log":
        if not self._silent:
            (self._folder / PICTURES).mkdir(exist_ok=True)
            _forget_after(self._folder / FILE, self._done)
            self._file = (self._folder / FILE).open("a", encoding="utf-8")
            self._board = _tensorboard(self._folder / "tensorboard", self._done)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._silent:
            return
        self._bar.stop()
        self._file.close()
        if self._board is not None:
            self._board.close()

    def advance(self, step: int, stage: str) -> None:
        """Move the bar."""
        if not self._silent:
            self._bar.update(self._task, completed=step, description=f"{self._title} {stage}")

    def scalars(self, kind: str, step: int, stage: str, values: Mapping[str, float]) -> None:
        """Log numbers after `step` finished steps."""
        if self._silent:
            return
        self._write({"step": step, "stage": stage, "kind": kind, **values})
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{kind}/{name}", value, step)

    def pictures(self, step: int, sheets: Float[Tensor, "count 3 height width"]) -> None:
        """Keep pictures, encoded 0..1."""
        if self._silent:
            return
        for number, sheet in enumerate(sheets):
            codes = (sheet * 255.0).round().permute(1, 2, 0).cpu().numpy().astype(np.uint8)
            Pillow.fromarray(codes).save(self._folder / PICTURES / f"{step:07d}-{number}.png")
            if self._board is not None:
                self._board.add_image(f"validation/{number}", codes, step, dataformats="HWC")

    def notice(self, step: int, stage: str, text: str) -> None:
        """Log something that a person should know, and say it."""
        if self._silent:
            return
        self._write({"step": step, "stage": stage, "kind": "notice", "text": text})
        self.say(text)

    def say(self, text: str) -> None:
        """Print a line, above the bar where there is one."""
        if not self._silent:
            self._bar.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _write(self, entry: Mapping[str, Any]) -> None:
        # JSON knows neither NaN nor infinity.
        held = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in entry.items()
        }
        self._file.write(json.dumps(held, ensure_ascii=False) + "\n")
        self._file.flush()


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The entries of a run's log; a last line that was cut off is left out."""
    path = folder / FILE
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _forget_after(path: Path, done: int) -> None:
    kept = [entry for entry in read_log(path.parent) if entry["step"] <= done] if done else []
    partial = path.with_suffix(".partial")
    partial.write_text(
        "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in kept), encoding="utf-8"
    )
    partial.replace(path)


def _tensorboard(folder: Path, done: int) -> "SummaryWriter | None":
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    # Entries of an interrupted run after the checkpoint are hidden by the new ones.
    return SummaryWriter(str(folder), purge_step=done + 1 if done else None)
