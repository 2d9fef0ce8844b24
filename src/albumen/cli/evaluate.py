"""`albumen evaluate`: measure a pack on labelled pictures."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from albumen.cli.command import Command, Session, pack_option
from albumen.cli.words import counted, duration, one_line, print_json

if TYPE_CHECKING:
    from albumen.evaluation import Report
    from albumen.evaluation.embedding import Progress
    from albumen.evaluation.measures import Estimate

SECONDS_BETWEEN_LINES = 5.0
SKIPS_SHOWN = 10

Row = tuple[str, ...]


@click.command(
    "evaluate",
    cls=Command,
    examples="""
        albumen evaluate val-000.tar
        albumen evaluate val-000.tar --json
    """,
)
@click.argument("data", nargs=-1, required=True, metavar="DATA...", type=click.Path(path_type=Path))
@pack_option
@click.option("--device", default="cpu", metavar="NAME", help="Where the model runs; cpu, cuda, …")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.pass_obj
def evaluate(
    session: Session,
    data: tuple[Path, ...],
    pack: str | None,
    device: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure a pack on labelled or captioned pictures.

    DATA are WebDataset shards (.tar), or folders of them. Captions are judged by retrieval, labels
    by zero-shot, class numbers by classification: by the classes' names with a CLIP pack, by its
    own labels with a classifier. docs/evaluation.md has the protocol. The library is not touched.
    """
    from albumen import evaluation

    shards = evaluation.find_shards(data)
    with session.open(pack, device=device) as library, _progress(quiet) as report_progress:
        report = evaluation.evaluate(shards, library.pack, report_progress)
    _tell_what_was_left_out(report)
    if as_json:
        print_json(report.as_json(), indent=1)
    else:
        for line in _lines(report):
            click.echo(line)


def _tell_what_was_left_out(report: "Report") -> None:
    for skip in report.skipped[:SKIPS_SHOWN]:
        click.echo(f"Skipped: {one_line(f'{skip.name}: {skip.reason}')}", err=True)
    if len(report.skipped) > SKIPS_SHOWN:
        click.echo(f"Skipped: {len(report.skipped) - SKIPS_SHOWN:,} more", err=True)
    for note in report.notes:
        click.echo(f"Note: {one_line(note)}", err=True)


def _lines(report: "Report") -> Iterator[str]:
    """The report as tables: shares with their standard errors, and the mean over sources."""
    yield f"pack {report.pack}; ± is one standard error"
    if report.retrieval:
        rows: list[Row] = [("retrieval", "pictures", "captions", "R@1", "R@5", "R@10")]
        for name, one in report.retrieval.items():
            figures = [_share(figure) for figure in one.recall.values()]
            rows.append((name, f"{one.images:,}", f"{one.captions:,}", *figures))
        yield from _table(rows)
    if report.zero_shot:
        rows = [("zero-shot", "pictures", "classes", "top-1", "with templates")]
        for name, shot in report.zero_shot.items():
            figures = [_share(shot.top1), _share(shot.top1_ensemble)]
            rows.append((name, f"{shot.images:,}", f"{shot.classes:,}", *figures))
        shots = report.zero_shot.values()
        means = [
            sum(figure.value for figure in column) / len(report.zero_shot)
            for column in ([shot.top1 for shot in shots], [shot.top1_ensemble for shot in shots])
        ]
        rows.append(("mean of sources", "", "", *(f"{mean:.3f}" for mean in means)))
        yield from _table(rows)
    if (classes := report.classification) is not None:
        rows = [("classification", "pictures", "classes", "top-1", "top-5")]
        figures = [_share(classes.top1), _share(classes.top5)]
        rows.append(("all sources", f"{classes.images:,}", f"{classes.classes:,}", *figures))
        yield from _table(rows)
    if not (report.retrieval or report.zero_shot or report.classification):
        yield "nothing to measure: no picture has a caption, a label or a class number"


def _share(figure: "Estimate") -> str:
    return f"{figure.value:.3f}" + ("" if figure.error is None else f" ± {figure.error:.3f}")


def _table(rows: list[Row]) -> Iterator[str]:
    rows = [tuple(one_line(cell) for cell in row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield ""
    for number, row in enumerate(rows):
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        line = "  ".join(cells).rstrip()
        yield click.style(line, bold=True) if number == 0 else line


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[["Progress"], None]]:
    """A bar on a terminal, now and then a line elsewhere, nothing if quiet; all on stderr."""
    if quiet:
        yield lambda progress: None
    elif sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        yield _plain_lines()


def _plain_lines() -> Callable[["Progress"], None]:
    began = said = time.monotonic()

    def report(progress: "Progress") -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= SECONDS_BETWEEN_LINES:
            said = now
            click.echo(_line(progress, now - began), err=True)

    return report


def _line(progress: "Progress", seconds: float) -> str:
    """`1,200 pictures, 24 % of the shards, 240 a second, about 16 s left`."""
    share = progress.done / progress.total
    pictures = counted(progress.pictures, "picture")
    left = duration(seconds * (1 - share) / share)
    rate = progress.pictures / seconds
    return f"{pictures}, {share:.0%} of the shards, {rate:.0f} a second, about {left} left"


@contextmanager
def _bar() -> Iterator[Callable[["Progress"], None]]:
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("Evaluating"),
        rich.BarColumn(),
        rich.TextColumn("{task.fields[pictures]}"),
        rich.TimeRemainingColumn(compact=True),
    )
    began = time.monotonic()
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("", total=None, pictures="")

        def report(progress: "Progress") -> None:
            rate = progress.pictures / (time.monotonic() - began)
            said = f"{counted(progress.pictures, 'picture')}, {rate:,.0f} a second"
            display.update(task, completed=progress.done, total=progress.total, pictures=said)

        yield report
