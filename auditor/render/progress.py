"""A bar for audits that take long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def shown_after(seconds: float, console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """Yield what `auditor.audit` calls before each rule; the bar appears once `seconds` have gone by.

    It goes when the block ends, however it ends, and leaves nothing on the screen.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    progress = Progress(*columns, console=console, transient=True)
    task = progress.add_task("reading", total=None)
    timer = threading.Timer(seconds, progress.start)
    timer.daemon = True

    def advance(name: str, position: int, total: int) -> None:
        progress.update(task, description=name, completed=position, total=total)

    timer.start()
    try:
        yield advance
    finally:
        timer.cancel()
        timer.join()
        progress.stop()
