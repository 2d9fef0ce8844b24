"""Progress of making a pack: what is going on, and of a download how fast and how much longer."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from albumen.cli.words import duration, one_line, size

OnStep = Callable[[str, int, int], None]
SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def steps(quiet: bool) -> Iterator[OnStep]:
    """A bar on a terminal, otherwise a line for each step, and one every few seconds of a long one.

    What it gives is called with the step, bytes done and bytes of all; 0 of 0 where none are told.
    """
    if quiet:
        yield lambda what, done, total: None
    elif sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        yield _lines()


def _lines() -> OnStep:
    step, began, said, first = "", 0.0, 0.0, 0

    def report(what: str, done: int, total: int) -> None:
        nonlocal step, began, said, first
        now = time.monotonic()
        if what != step:
            step, began, said, first = what, now, now, done
            much = f" ({size(total)})" if total else ""
            click.echo(f"{one_line(what)}{much}", err=True)
        elif total and now - said >= SECONDS_BETWEEN_LINES:
            said = now
            click.echo(line(done, total, (done - first) / (now - began)), err=True)

    return report


def line(done: int, total: int, rate: float) -> str:
    """`120.0 MB of 605.2 MB, 11.2 MB a second, about 43 s left`; rate: bytes a second."""
    left = f", about {duration((total - done) / rate)} left" if rate and total > done else ""
    return f"{size(done)} of {size(total)}, {size(rate)} a second{left}"


@contextmanager
def _bar() -> Iterator[OnStep]:
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.TextColumn("{task.fields[figures]}"),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("", total=None, figures="")
        step = ""

        def report(what: str, done: int, total: int) -> None:
            nonlocal step
            if what != step:
                step = what
                display.reset(task, description=one_line(what), total=total or None)
            rate = display.tasks[0].speed or 0.0
            figures = line(done, total, rate) if total else ""
            display.update(task, completed=done, figures=figures)

        yield report
