"""`albumen train`: models of one's own."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from albumen.cli.command import Group, Session
from albumen.cli.train_running import Ended, Running, run, run_options
from albumen.cli.words import counted
from albumen.errors import UsageError

if TYPE_CHECKING:
    from albumen.training.told import Told


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
@run_options("runs/classifier or runs/probe")
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
    running: Running,
    **changes: Any,
) -> int:
    """Train a classifier on pictures of your own.

    DATA is a folder with one folder a class, or WebDataset shards (.tar). A tenth of each class is
    not learned but judged by, unless DATA has folders train and test, or --test names others.
    From scratch, from weights (--from), or as a linear probe (--probe), which a few pictures a
    class are enough for.
    """

    def work(folder: Path, told: "Told") -> Ended:
        from albumen.packs import open_pack
        from albumen.training import classifying, recipes, reports
        from albumen.training import to_pack as packing

        if probe and (start or recipe or changes["model"]):
            raise UsageError(
                "--probe has no network of its own: leave out --model, --from, --recipe"
            )
        named = recipe or ("finetune" if start else "small-pictures")
        config = recipes.classifier(named, test=changes.pop("test_share"), **changes)
        job = classifying.Job(data, folder, test, sources, per_class)
        pack: Callable[[str, Path], object]
        if probe:
            base = open_pack(probe, packs_dir=session.home().packs)
            fitted, judged = classifying.probe(job, base, config, told)
            pack = partial(packing.probe, base, fitted, judged)
        else:
            judged = classifying.train(job, config, start, told)
            pack = partial(packing.classifier, folder, judged)
        of = counted(int(judged.figures["test"]), "picture")
        return Ended(
            figures=judged.figures,
            said=f"{judged.figures['right']:.1%} of {of} to judge by are right",
            skipped=judged.skipped,
            report=lambda folder: reports.classifier_report(folder, judged),
            pack=pack,
            use="albumen classify PHOTO --pack",
            more={"classes": [*judged.classes]},
        )

    return run(session, running, Path("runs", "probe" if probe else "classifier"), work)


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
@run_options("runs/clip")
@click.pass_obj
def clip(
    session: Session,
    /,
    shards: Path,
    sources: tuple[str, ...],
    teacher: str | None,
    recipe: str | None,
    running: Running,
    **changes: Any,
) -> int:
    """Train a CLIP on captioned pictures: two towers that meet in one space.

    SHARDS are WebDataset shards (.tar, or a folder of them) with captions, labels or both. With a
    teacher the towers learn what another pack sees and reads besides. Some pictures are kept to
    choose the best weights by. A recipe MODULE:FUNCTION brings its own data and stages (only their
    steps can be changed); the starter's is recipes.starter.plan:starter.
    """

    def work(folder: Path, told: "Told") -> Ended:
        from albumen.packs import open_pack
        from albumen.training import clipping, reports
        from albumen.training import to_pack as packing

        if recipe and ":" in recipe:
            if teacher or sources:
                raise UsageError("a recipe of your own brings its data and its teacher itself")
            steps = {of: changes.pop(of) for of in clipping.STEPS}
            if given := [name for name, value in changes.items() if value is not None]:
                option = given[0].replace("_", "-")
                raise UsageError(f"--{option} is for the recipe {recipe} itself to say")
            found = clipping.by_recipe(recipe, shards, folder, steps, told)
        else:
            config = clipping.recipe(recipe or ("taught" if teacher else "captions"), **changes)
            other = open_pack(teacher, packs_dir=session.home().packs) if teacher else None
            found = clipping.train(shards, folder, config, other, told, sources)
        test = int(found.figures["test"])
        share = f"{found.figures['recall@10']:.1%} of {counted(test, 'text')}"
        return Ended(
            figures=found.figures,
            said=f"{share} find their picture among the first ten of {test:,}",
            skipped=found.plan.skipped,
            report=lambda folder: reports.clip_report(folder, found),
            pack=partial(packing.clip, found),
            use="albumen packs use",
        )

    return run(session, running, Path("runs/clip"), work)


@train.command("fingerprint", examples="albumen train fingerprint pets --steps 5 --batch 8")
@click.argument("photos", metavar="PHOTOS", type=click.Path(path_type=Path))
@click.option("--steps", type=click.IntRange(min=1), help="Steps of training.")
@click.option("--batch", type=click.IntRange(min=2), help="Pictures a step, two views of each.")
@click.option("--size", type=click.IntRange(min=32), help="Side in pixels of what it sees.")
@click.option("--learning-rate", type=click.FloatRange(min=0), help="The highest learning rate.")
@click.option("--seed", type=click.IntRange(min=0), help="Of all that is drawn at random.")
@run_options("runs/fingerprint")
@click.pass_obj
def fingerprint(
    session: Session,
    /,
    photos: Path,
    running: Running,
    **changes: Any,
) -> int:
    """Train a fingerprint, by which copies of a photo are found, on photos of your own.

    No labels are needed: two edited views of a photo shall be alike, and views of different photos
    not. PHOTOS is a folder, searched with all that lies below it, or shards (.tar).
    """

    def work(folder: Path, told: "Told") -> Ended:
        from albumen.training import fingerprinting, reports
        from albumen.training import to_pack as packing

        given = {name: value for name, value in changes.items() if value is not None}
        recipe = fingerprinting.FingerprintRecipe(**given)
        found = fingerprinting.train(photos, folder, recipe, told)
        test = counted(int(found.figures["test"]), "picture")
        return Ended(
            figures=found.figures,
            said=f"an edited view finds its own of {test} in {found.figures['found']:.1%}",
            skipped=found.skipped,
            report=lambda folder: reports.fingerprint_report(folder, found),
            pack=partial(packing.fingerprint, found),
        )

    return run(session, running, Path("runs/fingerprint"), work)
