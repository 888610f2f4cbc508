"""A progress bar on a terminal; nothing at all when the output is piped."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(total: int) -> Iterator[Callable[[int, float, str], None]]:
    """Give a function to be told (finished files, share of the current one, its name)."""
    if not sys.stderr.isatty():
        yield lambda finished, share, name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda finished, share, name: bar.update(task, completed=finished + share, description=name)
