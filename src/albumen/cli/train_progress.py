"""The progress of a training: a bar on a terminal, now and then a line elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import click

from albumen.cli.words import duration

SECONDS_BETWEEN_LINES = 5.0

Show = Callable[[str, int, int, str], None]
"""Told what is done, how much of how much, and the figures of now."""


def shown(quiet: bool) -> AbstractContextManager[Show]:
    """The right one for where standard error goes."""
    return bar() if sys.stderr.isatty() and not quiet else lines(quiet)


@contextmanager
def lines(quiet: bool) -> Iterator[Show]:
    """A line every few seconds, and at the end of what is done; none if `quiet`."""
    began = said = time.monotonic()
    doing, first = "", 0

    def show(what: str, done: int, total: int, figures: str) -> None:
        nonlocal said, began, doing, first
        now = time.monotonic()
        if what != doing:
            doing, began, first = what, now, done
        if quiet or (now - said < SECONDS_BETWEEN_LINES and done != total):
            return
        said = now
        click.echo(line(what, done - first, done, total, now - began, figures), err=True)

    yield show


def line(what: str, fresh: int, done: int, total: int, seconds: float, figures: str) -> str:
    """`Training: 120 of 2,000, 3.1 a second, about 10 min 6 s left: loss 1.2`."""
    rate = fresh / seconds if seconds else 0.0
    of = f" of {total:,}" if total else ""
    left = f", about {duration((total - done) / rate)} left" if rate and total > done else ""
    pace = f", {rate:.1f} a second" if rate else ""
    return f"{what}: {done:,}{of}{pace}{left}" + (f": {figures}" if figures else "")


@contextmanager
def bar() -> Iterator[Show]:
    """One bar, begun anew for each thing that is done."""
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        rich.TextColumn("{task.fields[rate]}"),
        rich.TimeRemainingColumn(compact=True),
        rich.TextColumn("{task.fields[figures]}", markup=False),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("Reading", total=0, rate="", figures="")

        def show(what: str, done: int, total: int, figures: str) -> None:
            if display.tasks[0].description != what:
                display.reset(task, description=what, total=total, completed=done)
            speed = display.tasks[0].speed
            rate = f"{speed:,.1f} a second" if speed else ""
            display.update(task, completed=done, total=total or done, rate=rate, figures=figures)

        yield show
