"""What all kinds of training have in common: options, processes, progress, report, pack."""

import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from albumen.cli.command import Session
from albumen.cli.train_progress import shown
from albumen.cli.words import one_line, print_json, printable
from albumen.errors import AlbumenError

if TYPE_CHECKING:
    from albumen.evaluation.shards import Skip
    from albumen.training.loop import Progress
    from albumen.training.told import Told

SKIPS_SHOWN = 10


@dataclass(frozen=True)
class Running:
    """The options that all kinds share."""

    folder: Path | None
    to_pack: str | None
    replace: bool
    as_json: bool
    quiet: bool
    processes: int


@dataclass(frozen=True)
class Ended:
    """A finished training. `said`: how good it is, in a line. `report` writes it into a folder,
    `pack` makes a pack of that name in that place, `use` begins the command that uses it.
    """

    figures: Mapping[str, float]
    said: str
    skipped: Sequence["Skip"]
    report: Callable[[Path], object]
    pack: Callable[[str, Path], object]
    use: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def run_options(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the shared options, as one value called `running`."""
    options = (
        click.option(
            "--run",
            "folder",
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            help=f"Where the run is kept, with its report.html (default: {default}).",
        ),
        click.option("--to-pack", metavar="NAME", help="End in a pack of that name."),
        click.option("--replace", is_flag=True, help="Replace the pack of the same name."),
        click.option("--json", "as_json", is_flag=True, help="The figures as JSON, for programs."),
        click.option("--quiet", "-q", is_flag=True, help="No progress."),
        click.option(
            "--processes",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            metavar="N",
            help="Processes on this machine that share each batch (torchrun does too).",
        ),
    )

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def bundled(
            *args: Any,
            folder: Path | None,
            to_pack: str | None,
            replace: bool,
            as_json: bool,
            quiet: bool,
            processes: int,
            **others: Any,
        ) -> Any:
            shared = Running(folder, to_pack, replace, as_json, quiet, processes)
            return command(*args, running=shared, **others)

        for option in reversed(options):
            bundled = option(bundled)
        return bundled

    return add


def run(
    session: Session,
    running: Running,
    default: Path,
    train: Callable[[Path, "Told"], Ended],
) -> int:
    """Let `train` work in the run's folder; the first process then reports and makes the pack."""
    _require_training(session)
    if running.processes > 1 and "LOCAL_RANK" not in os.environ:
        return _several(session, running.processes)
    from albumen.training import to_pack as packing

    name, home = running.to_pack, session.home()
    destination = packing.check(name, home.packs, running.replace) if name else None
    folder = running.folder or default
    with _told(running.quiet, folder) as told:
        ended = train(folder, told)
    if not _is_first():
        return 0
    ended.report(folder)
    _tell_skips(ended.skipped)
    if name and destination is not None:
        home.make()
        ended.pack(name, destination)
    _tell(ended, folder, running)
    return 0


def _tell(ended: Ended, folder: Path, running: Running) -> None:
    """How it ended, in words or as JSON."""
    name = running.to_pack
    if running.as_json:
        figures = {of: round(value, 6) for of, value in ended.figures.items()}
        print_json({"run": str(folder), "pack": name} | dict(ended.more) | figures)
        return
    click.echo(ended.said)
    click.echo(f"report: {printable(folder / 'report.html')}")
    if name and ended.use:
        click.echo(f"to use it: {ended.use} {one_line(name)}")


def _require_training(session: Session) -> None:
    try:
        import lightning_fabric  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise AlbumenError("training needs PyTorch; run: pip install 'albumen[train]'") from error
    home = session.home()
    with suppress(AlbumenError):  # then nothing is kept
        home.make()
    # Matplotlib keeps a list of the machine's fonts: where all lies that Albumen writes unasked.
    os.environ.setdefault("MPLCONFIGDIR", str(home.cache / "matplotlib"))


def _several(session: Session, count: int) -> int:
    from albumen.training.launch import launch

    command = [sys.executable, "-m", "albumen.cli.main", *session.args]
    return launch(command, count, lambda said: click.echo(f"albumen: {said}", err=True))


def _is_first() -> bool:
    return int(os.environ.get("RANK", "0")) == 0


def _tell_skips(skipped: Sequence["Skip"]) -> None:
    for skip in skipped[:SKIPS_SHOWN]:
        click.echo(f"Skipped: {one_line(f'{skip.name}: {skip.reason}')}", err=True)
    if len(skipped) > SKIPS_SHOWN:
        more = len(skipped) - SKIPS_SHOWN
        click.echo(f"Skipped: {more:,} more (report.html lists them)", err=True)


@contextmanager
def _told(quiet: bool, folder: Path) -> Iterator["Told"]:
    """Progress on stderr: a bar on a terminal, now and then a line elsewhere. Notes in any case."""
    from albumen.training.told import Told

    quiet = quiet or not _is_first()
    with shown(quiet) as show:
        doing = "Training"

        def stage(name: str) -> None:
            nonlocal doing
            doing = f"Training, {name}"

        def training(progress: "Progress") -> None:
            figures = ", ".join(f"{name} {value:.4g}" for name, value in progress.figures.items())
            show(doing, progress.step, progress.steps, figures)

        def note(text: str) -> None:
            if _is_first():
                click.echo(f"Note: {one_line(text)}", err=True)

        try:
            yield Told(lambda done, total: show("Reading", done, total, ""), stage, training, note)
        except KeyboardInterrupt:
            note(f"stopped; the same command goes on from where {printable(folder)} stands")
            raise
