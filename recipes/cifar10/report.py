"""Keeps the logs of CIFAR-10 runs in this folder and writes the table of docs/training.md.

    python -m recipes.cifar10.report RUNS

RUNS holds the folders cifar10-convnet, cifar10-resnet20, cifar10-vit, or some of them. Without it
the page is written anew from the logs that are kept.
"""

import json
import shutil
import sys
from pathlib import Path

from bench._page import put

from albumen.training import log, plots, recipes

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/training.md"
FLOORS = {"cifar10-convnet": 0.80, "cifar10-resnet20": 0.84, "cifar10-vit": 0.70}
KEPT = ("log.csv", "evaluation.csv", "figures.json", "config.json")


def keep(run: Path, name: str) -> None:
    """Copy a run's logs, without what names this machine's folders, and draw its curves."""
    folder = HERE / "logs" / name
    folder.mkdir(parents=True, exist_ok=True)
    for file in KEPT[:-1]:
        shutil.copyfile(run / file, folder / file)
    recipe = json.loads((run / KEPT[-1]).read_text("utf-8"))["recipe"]
    (folder / KEPT[-1]).write_text(json.dumps(recipe, indent=1) + "\n", "utf-8")
    for figure, svg in plots.of_run(folder).items():
        if figure in ("loss", "right"):
            (folder / f"{figure}.svg").write_text(svg + "\n", "utf-8")


def minutes(rows: list[dict[str, float]]) -> float:
    """How long a run learned; the seconds begin anew where it went on after a stop."""
    seconds = [row["seconds"] for row in rows]
    ends = [s for s, after in zip(seconds, [*seconds[1:], 0.0], strict=True) if after <= s]
    return sum(ends) / 60


def line(name: str) -> str:
    """A row of the table."""
    folder = HERE / "logs" / name
    figures = json.loads((folder / "figures.json").read_text("utf-8"))
    config = recipes.from_dict(json.loads((folder / "config.json").read_text("utf-8")))
    module = recipes.network(config.model, len(figures["classes"]), config.size)
    weights = sum(p.numel() for p in module.parameters())
    error = (figures["right"] * (1 - figures["right"]) / figures["test"]) ** 0.5
    spent = minutes(log.read(folder / "log.csv"))
    return (
        f"| `{name}` | {config.model} | {weights:,} | {config.epochs} | {spent:.0f} "
        f"| {figures['right']:.2%} ± {error:.2%} | {FLOORS[name]:.0%} |"
    )


def table() -> str:
    """All runs that are kept."""
    names = [name for name in FLOORS if (HERE / "logs" / name / "figures.json").exists()]
    head = "| recipe | model | weights | epochs | minutes | right of 10,000 | wanted |"
    return "\n".join([head, "|---|---|--:|--:|--:|--:|--:|", *map(line, names)])


def main() -> None:
    if len(sys.argv) > 1:
        for name in FLOORS:
            if (run := Path(sys.argv[1]) / name).is_dir():
                keep(run, name)
    put(PAGE, "recipes.cifar10.report", table())
    print(table())


if __name__ == "__main__":
    main()
