"""`albumen train`: models of one's own."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from albumen.cli.command import Group, Session
from albumen.cli.train_progress import shown
from albumen.cli.words import counted, one_line, print_json, printable
from albumen.errors import AlbumenError, UsageError

if TYPE_CHECKING:
    from albumen.evaluation.shards import Skip
    from albumen.training.classifying import Judged
    from albumen.training.loop import Progress
    from albumen.training.told import Told

SKIPS_SHOWN = 10


@click.group(
    "train",
    cls=Group,
    examples="""
        albumen train classifier pets --epochs 5 --size 32
        albumen train classifier pets --probe starter --per-class 4 --to-pack pets
    """,
)
def train() -> None:
    """Train models of your own.

    This needs PyTorch: pip install 'albumen[train]'. docs/training.md explains every option. A run
    is kept in a folder; the same command goes on where it stopped.
    """


def running(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that all kinds of training share."""
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
        for option in reversed(options):
            command = option(command)
        return command

    return add


def changing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that replace single values of a recipe."""
    whole, share = click.IntRange(min=1), click.FloatRange(0, 1)
    rate = click.FloatRange(min=0)
    options: Sequence[tuple[str, Any, str]] = (
        ("--epochs", whole, "Passes over all pictures."),
        ("--batch", whole, "Pictures a step takes its gradient from."),
        ("--size", whole, "Side in pixels of what the network sees."),
        ("--optimizer", click.Choice(["adamw", "sgd"]), "Which rule takes the steps."),
        ("--learning-rate", rate, "The highest learning rate."),
        ("--warmup", share, "Share of steps in which the rate rises."),
        ("--weight-decay", rate, "How strongly weights are held back."),
        ("--clip", rate, "Longest gradient; 0 for no limit."),
        ("--accumulate", whole, "Parts in which a batch is gone through."),
        ("--average", share, "Decay of the running average of the weights; 0 for none."),
        ("--smoothing", share, "Label smoothing."),
        ("--mixup", rate, "Blend pictures: parameter of the Beta distribution; 0 for none."),
        ("--cutmix", rate, "Put pieces of pictures into others: as --mixup."),
        ("--padding", click.IntRange(min=0), "Black pixels around a picture that crops reach."),
        ("--light", share, "Largest change of brightness and contrast."),
        ("--test-share", share, "Share of each class to judge by, where there is no --test."),
        ("--seed", click.IntRange(min=0), "Of all that is drawn at random."),
        ("--precision", click.Choice(["bf16-mixed", "32-true"]), "Default: what is fast here."),
    )
    told = "Compile the network: minutes before the first step, faster steps. One process."
    command = click.option("--compile", is_flag=True, default=None, help=told)(command)
    for name, kind, words in reversed(options):
        command = click.option(name, type=kind, help=words)(command)
    return command


@train.command(
    "classifier",
    examples="""
        albumen train classifier pets --epochs 5 --size 32
        albumen train classifier pets --model resnet18 --size 32 --epochs 1 --run runs/resnet18
        albumen train classifier pets --probe starter --per-class 4 --to-pack pets
    """,
)
@click.argument("data", metavar="DATA", type=click.Path(path_type=Path))
@click.option("--test", type=click.Path(path_type=Path), metavar="DATA", help="What to judge by.")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Of shards, only these.")
@click.option(
    "--per-class", type=click.IntRange(min=1), metavar="N", help="Learn from N pictures a class."
)
@click.option("--recipe", metavar="NAME", help="Where all values below come from.")
@click.option("--model", metavar="NAME", help="convnet, resnet18, cifar-resnet20, vit-s16, …")
@click.option("--from", "start", metavar="SOURCE", help="Begin with these weights, or that run's.")
@click.option("--probe", metavar="PACK", help="Only a linear layer behind a pack's image tower.")
@changing
@running("runs/classifier or runs/probe")
@click.pass_obj
def classifier(
    session: Session,
    /,
    data: Path,
    test: Path | None,
    sources: tuple[str, ...],
    per_class: int | None,
    recipe: str | None,
    start: str | None,
    probe: str | None,
    folder: Path | None,
    to_pack: str | None,
    replace: bool,
    processes: int,
    as_json: bool,
    quiet: bool,
    **changes: Any,
) -> int:
    """Train a classifier on pictures of your own.

    DATA is a folder with one folder a class, or WebDataset shards (.tar). A tenth of each class is
    not learned but judged by, unless DATA has folders train and test, or --test names others.
    From scratch, from weights (--from), or as a linear probe (--probe), which a few pictures a
    class are enough for.
    """
    _require_training(session)
    if processes > 1 and "LOCAL_RANK" not in os.environ:
        return _several(session, processes)
    from albumen.training import classifying, recipes
    from albumen.training import to_pack as packing
    from albumen.training.classifying import Job

    home = session.home()
    destination = packing.check(to_pack, home.packs, replace) if to_pack else None
    if probe and (start or recipe or changes["model"]):
        raise UsageError("--probe has no network of its own: leave out --model, --from, --recipe")
    named = recipe or ("finetune" if start else "small-pictures")
    changes["test"] = changes.pop("test_share")
    config = recipes.classifier(named, **changes)
    folder = folder or Path("runs", "probe" if probe else "classifier")
    job = Job(data, folder, test, sources, per_class)
    with _told(quiet, folder) as told:
        if probe:
            from albumen.packs import open_pack

            base = open_pack(probe, packs_dir=home.packs)
            fitted, judged = classifying.probe(job, base, config, told)
        else:
            judged = classifying.train(job, config, start, told)
    if not _is_first():
        return 0
    from albumen.training.reports import classifier_report

    classifier_report(folder, judged)
    _tell_skips(judged.skipped)
    if to_pack and destination is not None:
        home.make()
        if probe:
            packing.probe(base, fitted, judged, to_pack, destination)
        else:
            packing.classifier(folder, judged, to_pack, destination)
    _tell(judged, folder, to_pack, as_json)
    return 0


@train.command(
    "clip",
    examples="""
        albumen train clip captioned.tar --steps 20 --batch 8 --size 32 --run runs/small
        albumen train clip captioned.tar --teacher starter --see 5 --read 5 --steps 5 --size 32
    """,
)
@click.argument("shards", metavar="SHARDS", type=click.Path(path_type=Path))
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only these sources.")
@click.option("--teacher", metavar="PACK", help="A CLIP pack to learn from besides.")
@click.option("--recipe", metavar="NAME", help="Where all values below come from.")
@click.option("--image", metavar="NAME", help="Image tower: starter, resnet18, resnet34.")
@click.option("--size", type=click.IntRange(min=32), help="Side of pictures, a multiple of 16.")
@click.option("--dim", type=click.IntRange(min=8), help="Width of the space of both towers.")
@click.option("--steps", type=click.IntRange(min=1), help="Steps of contrastive training.")
@click.option("--see", type=click.IntRange(min=0), help="Steps before: the teacher's eye.")
@click.option("--read", type=click.IntRange(min=0), help="Steps before: the teacher's ear.")
@click.option("--name", type=click.IntRange(min=0), help="Steps after: words fitted to the eye.")
@click.option("--batch", type=click.IntRange(min=2), help="Pictures a step, each a negative.")
@click.option("--accumulate", type=click.IntRange(min=1), help="Parts of a batch, compared apart.")
@click.option("--learning-rate", type=click.FloatRange(min=0), help="The highest learning rate.")
@click.option("--warmup", type=click.FloatRange(0, 1), help="Share of steps in which it rises.")
@click.option("--average", type=click.FloatRange(0, 1), help="Decay of the average of weights.")
@click.option("--seed", type=click.IntRange(min=0), help="Of all that is drawn at random.")
@running("runs/clip")
@click.pass_obj
def clip(
    session: Session,
    /,
    shards: Path,
    sources: tuple[str, ...],
    teacher: str | None,
    recipe: str | None,
    folder: Path | None,
    to_pack: str | None,
    replace: bool,
    processes: int,
    as_json: bool,
    quiet: bool,
    **changes: Any,
) -> int:
    """Train a CLIP on captioned pictures: two towers that meet in one space.

    SHARDS are WebDataset shards (.tar, or a folder of them) with captions, labels or both. With a
    teacher the towers learn what another pack sees and reads besides. Some pictures are kept to
    choose the best weights by. A recipe MODULE:FUNCTION brings its own data and stages (only their
    steps can be changed); the starter's is recipes.starter.plan:starter.
    """
    _require_training(session)
    if processes > 1 and "LOCAL_RANK" not in os.environ:
        return _several(session, processes)
    from albumen.packs import open_pack
    from albumen.training import clipping
    from albumen.training import to_pack as packing

    home = session.home()
    destination = packing.check(to_pack, home.packs, replace) if to_pack else None
    folder = folder or Path("runs/clip")
    if recipe and ":" in recipe:
        if teacher or sources:
            raise UsageError("a recipe of your own brings its data and its teacher itself")
        steps = {of: changes.pop(of) for of in clipping.STEPS}
        if given := [name for name, value in changes.items() if value is not None]:
            option = given[0].replace("_", "-")
            raise UsageError(f"--{option} is for the recipe {recipe} itself to say")
        with _told(quiet, folder) as told:
            found = clipping.by_recipe(recipe, shards, folder, steps, told)
    else:
        config = clipping.recipe(recipe or ("taught" if teacher else "captions"), **changes)
        other = open_pack(teacher, packs_dir=home.packs) if teacher else None
        with _told(quiet, folder) as told:
            found = clipping.train(shards, folder, config, other, told, sources)
    if not _is_first():
        return 0
    from albumen.training.reports import clip_report

    clip_report(folder, found)
    _tell_skips(found.plan.skipped)
    if to_pack and destination is not None:
        home.make()
        packing.clip(found, to_pack, destination)
    if as_json:
        _print_figures(found.figures, folder, to_pack)
        return 0
    test = int(found.figures["test"])
    share = f"{found.figures['recall@10']:.1%} of {counted(test, 'text')}"
    click.echo(f"{share} find their picture among the first ten of {test:,}")
    click.echo(f"report: {printable(folder / 'report.html')}")
    if to_pack:
        click.echo(f"to use it: albumen packs use {one_line(to_pack)}")
    return 0


@train.command("fingerprint", examples="albumen train fingerprint pets --steps 5 --batch 8")
@click.argument("photos", metavar="PHOTOS", type=click.Path(path_type=Path))
@click.option("--steps", type=click.IntRange(min=1), help="Steps of training.")
@click.option("--batch", type=click.IntRange(min=2), help="Pictures a step, two views of each.")
@click.option("--size", type=click.IntRange(min=32), help="Side in pixels of what it sees.")
@click.option("--learning-rate", type=click.FloatRange(min=0), help="The highest learning rate.")
@click.option("--seed", type=click.IntRange(min=0), help="Of all that is drawn at random.")
@running("runs/fingerprint")
@click.pass_obj
def fingerprint(
    session: Session,
    /,
    photos: Path,
    folder: Path | None,
    to_pack: str | None,
    replace: bool,
    processes: int,
    as_json: bool,
    quiet: bool,
    **changes: Any,
) -> int:
    """Train a fingerprint, by which copies of a photo are found, on photos of your own.

    No labels are needed: two edited views of a photo shall be alike, and views of different photos
    not. PHOTOS is a folder, searched with all that lies below it, or shards (.tar).
    """
    _require_training(session)
    if processes > 1 and "LOCAL_RANK" not in os.environ:
        return _several(session, processes)
    from albumen.training import fingerprinting
    from albumen.training import to_pack as packing

    home = session.home()
    destination = packing.check(to_pack, home.packs, replace) if to_pack else None
    folder = folder or Path("runs/fingerprint")
    given = {name: value for name, value in changes.items() if value is not None}
    recipe = fingerprinting.FingerprintRecipe(**given)
    with _told(quiet, folder) as told:
        found = fingerprinting.train(photos, folder, recipe, told)
    if not _is_first():
        return 0
    from albumen.training.reports import fingerprint_report

    fingerprint_report(folder, found)
    _tell_skips(found.skipped)
    if to_pack and destination is not None:
        home.make()
        packing.fingerprint(found, to_pack, destination)
    if as_json:
        _print_figures(found.figures, folder, to_pack)
        return 0
    test = counted(int(found.figures["test"]), "picture")
    click.echo(f"an edited view finds its own of {test} in {found.figures['found']:.1%}")
    click.echo(f"report: {printable(folder / 'report.html')}")
    return 0


def _print_figures(figures: Mapping[str, float], folder: Path, to_pack: str | None) -> None:
    """A run's figures as JSON, with where it lies and the pack that it became."""
    rounded = {name: round(value, 6) for name, value in figures.items()}
    print_json({"run": str(folder), "pack": to_pack} | rounded)


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


def _tell(judged: "Judged", folder: Path, pack: str | None, as_json: bool) -> None:
    if as_json:
        told = {"run": str(folder), "pack": pack, "classes": [*judged.classes]}
        print_json(told | {name: round(value, 6) for name, value in judged.figures.items()})
        return
    test = int(judged.figures["test"])
    click.echo(f"{judged.figures['right']:.1%} of {counted(test, 'picture')} to judge by are right")
    click.echo(f"report: {printable(folder / 'report.html')}")
    if pack:
        click.echo(f"to use it: albumen classify PHOTO --pack {one_line(pack)}")


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
