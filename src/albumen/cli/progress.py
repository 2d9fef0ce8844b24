"""Progress through files: a bar on a terminal, now and then a line elsewhere, JSON for programs."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from albumen.cli.words import duration, one_line, print_json
from albumen.library.events import Committed, Event, Notice, Progress

Report = Callable[[Event], None]
SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def reporter(as_json: bool, quiet: bool) -> Iterator[Report]:
    """The right one for where output goes; notices are told in any case, on stderr."""
    if as_json:
        progress = json_lines()
    elif quiet:
        progress = silence()
    else:
        progress = bar() if sys.stderr.isatty() else plain_lines()
    with progress as show:

        def report(event: Event) -> None:
            if isinstance(event, Notice):
                click.echo(f"Note: {one_line(event.message)}", err=True)
            else:
                show(event)

        yield report


@contextmanager
def json_lines() -> Iterator[Report]:
    """A line after each durable commit: `{"event": "committed", "photos": n}`."""

    def report(event: Event) -> None:
        if isinstance(event, Committed):
            print_json({"event": "committed", "photos": event.photos})

    yield report


@contextmanager
def silence() -> Iterator[Report]:
    """Nothing."""
    yield lambda event: None


@contextmanager
def plain_lines() -> Iterator[Report]:
    """A line every few seconds: how far, how fast, how much longer."""
    began = said = time.monotonic()

    def report(event: Event) -> None:
        nonlocal said
        now = time.monotonic()
        if isinstance(event, Progress) and now - said >= SECONDS_BETWEEN_LINES:
            said = now
            click.echo(line(event.done, event.found, now - began), err=True)

    yield report


def line(done: int, found: int, seconds: float, noun: str = "files") -> str:
    """`1,200 of 5,000 files, 240 a second, about 16 s left`."""
    rate = done / seconds if seconds else 0.0
    left = f", about {duration((found - done) / rate)} left" if rate and found > done else ""
    return f"{done:,} of {found:,} {noun}, {rate:.0f} a second{left}"


@contextmanager
def bar(doing: str = "Indexing") -> Iterator[Report]:
    """A bar with rate and time left; it goes away when it is done."""
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn(doing),
        rich.BarColumn(),
        rich.TextColumn("{task.completed:,.0f} of {task.total:,.0f} files"),
        rich.TextColumn("{task.fields[rate]}"),
        rich.TimeRemainingColumn(compact=True),
    )
    # Not redirected: what a command prints on stdout goes there, not to where the bar is.
    with rich.Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False
    ) as display:
        task = display.add_task("", total=0, rate="")

        def report(event: Event) -> None:
            if isinstance(event, Progress):
                speed = display.tasks[0].speed
                rate = f"{speed:,.0f} a second" if speed else ""
                display.update(task, completed=event.done, total=event.found, rate=rate)

        yield report
