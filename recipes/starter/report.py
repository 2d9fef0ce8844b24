"""docs/starter.md and the README's figures, from what was measured: nothing is typed by hand.

    albumen evaluate val-000.tar --pack starter --json > recipes/starter/evaluation.json
    python -m recipes.starter.report

writes both pages.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._page import put

from albumen.packs import catalogue, manifest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STAGES = ("see", "read", "match", "again", "name")
# What an earlier experiment of this kind reached, or was set beside it.
FLOORS = {
    "caltech101": 0.77,
    "scenes6": 0.82,
    "imagenette": 0.85,
    "tiny-imagenet": 0.39,
    "catsdogs": 0.93,
    "rooms4": 0.80,
    "flowers5": 0.80,
    "imagenet1000": 0.30,
}
RETRIEVAL_FLOORS = {"flickr8k": 0.45}

TEXT = """\
# The starter

The CLIP that comes inside Albumen: a half-width ResNet-18 and a three-layer text Transformer,
{megabytes:.1f} MB altogether, trained by the recipe in `recipes/starter/` on two cores that others
used too. It is there so that the first minute works offline; a published model finds more. Its
sources and their terms, its licence and its limits are in its card, `CARD.md` in the pack's folder.

## How well it does

Measured on `val-000.tar`: 1,377 pictures that were neither trained on nor chosen by. Zero-shot: the
candidates are the labels of the source, the prompt is "a photo of a NAME"; *ensemble* averages
the pack's {templates} templates; *first* is the starter before this one; *floor* is what an earlier
experiment of this kind reached, or was set beside it; *teacher* is the frozen EfficientNet-Lite0
with a linear head of its own for each source (`recipes/starter/frozen_teacher.py`): the goal is to
come within 0.03 of it. The sets are small: ± is one standard error.

{zero_shot}

Mean of the floors: {mean_floor:.3f}; of this starter: {mean_found:.3f}; of the first one:
{mean_first:.3f}; of the teacher: {mean_teacher:.3f}.
{weaknesses}

Text to image, every caption a query among all pictures of its source:

{retrieval}

To repeat it: `albumen evaluate val-000.tar --pack starter --json`.

## How it was trained

On {pictures:,} pictures of 128 pixels a side; each stage's log is in `recipes/starter/logs/`.

{training}

1. **see**: the image trunk learns EfficientNet-Lite0's features (cosine) and answers
   (Kullback-Leibler), and the pictures' own labels.
2. **read**: the text tower learns what all-MiniLM-L6-v2 makes of labels, captions, words and pieces
   of captions.
3. **match**: both together, with the symmetric contrastive loss. A picture's text is a caption, a
   label or a synonym in a template, what the teacher answers, or a wider word for it ("an animal
   with stripes"); a text that is true of several pictures of a batch counts for all of them. The
   losses of the first two stages go on. The three stages gave the first starter.
4. **again**: `match` once more, from the first starter's towers, on more pictures (people and what
   they do, sport, weather, cats and dogs, 9,000 more with captions), with named concepts beside the
   batch's own texts as further wrong answers, and with "dog" true of whatever "a dog" is true of.
5. **name**: the trunk is locked, and the words are fitted to what it has come to see: which of its
   set's names is a picture's own, beside the losses of before (Zhai et al., 2022, "LiT"). Before
   this stage the mean of the sets above was {mean_match:.3f}: a linear head told classes apart that
   the texts confused.

What training saw was compared with all that the starter is judged by: {near_copies} pictures equal
or nearly equal to one of these were left out (`recipes/starter/near_copies.py`). The first
starter's training had not left them out; {judged} of the pictures above have such a copy. Without
them the mean is {mean_clean:.3f} instead of {mean_found:.3f}.

## What each kind of teaching adds

Short trainings from nothing, alike but for who tells what a picture shows
(`recipes/starter/ablate.py`, {ablation_steps} steps on pictures of 64 pixels): far too short to be
good, long enough to compare. Judged on training pictures kept to choose by, among all labels of
their source; *retrieval* is R@10 of a caption among {captioned} pictures.

{ablations}

The ONNX files hold float16 weights and compute in float32. The largest difference of any output
from the PyTorch towers, on {compared} pictures and texts: {image_difference:.1e} (image),
{text_difference:.1e} (text).

## Sources

{sources}
"""


@dataclass(frozen=True)
class Row:
    """One source's zero-shot accuracy beside its floor, the first starter's and the teacher's."""

    source: str
    found: float
    error: float
    ensemble: float
    first: float
    floor: float | None
    teacher: float
    images: int
    classes: int


def read(name: str) -> Any:
    """A file of figures beside this one."""
    return json.loads((HERE / name).read_text())


def zero_shot_rows(evaluation: dict[str, Any]) -> list[Row]:
    first, teacher = read("evaluation-1.json")["zero_shot"], read("frozen_teacher.json")
    return [
        Row(
            source,
            figures["top1"],
            figures["top1_se"],
            figures["top1_ensemble"],
            first[source]["top1"],
            FLOORS.get(source),
            teacher[source],
            figures["images"],
            figures["classes"],
        )
        for source, figures in evaluation["zero_shot"].items()
    ]


def zero_shot_table(rows: list[Row]) -> str:
    lines = [
        "| source | pictures | classes | top-1 | ensemble | first | teacher | floor | |",
        "|---|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        floor = "" if row.floor is None else f"{row.floor:.2f}"
        lines.append(
            f"| {row.source} | {row.images} | {row.classes} | {row.found:.3f} ± {row.error:.3f} "
            f"| {row.ensemble:.3f} | {row.first:.3f} | {row.teacher:.3f} | {floor} "
            f"| {verdict(row)} |"
        )
    return "\n".join(lines)


def verdict(row: Row) -> str:
    if row.floor is None:
        return ""
    if row.found >= row.floor:
        return "reached"
    return "within its error" if row.found + row.error >= row.floor else "**below**"


def retrieval_table(evaluation: dict[str, Any]) -> str:
    lines = ["| source | pictures | captions | R@1 | R@5 | R@10 | first R@10 | floor of R@10 |"]
    lines.append("|---|" + "--:|" * 7)
    first = read("evaluation-1.json")["retrieval"]
    for source, figures in evaluation["retrieval"].items():
        floor = RETRIEVAL_FLOORS.get(source)
        cells = [f"{figures[k]:.3f} ± {figures[f'{k}_se']:.3f}" for k in ("r@1", "r@5", "r@10")]
        cells.append(f"{first[source]['r@10']:.3f}")
        shown = "" if floor is None else f"{floor:.2f}"
        numbers = [str(figures["images"]), str(figures["captions"])]
        lines.append(f"| {' | '.join([source, *numbers, *cells, shown])} |")
    return "\n".join(lines)


def weaknesses(rows: list[Row]) -> str:
    below = [row for row in rows if row.floor is not None and row.found < row.floor]
    if not below:
        return "No set lies below its floor."
    worst = ", ".join(f"{r.source} by {r.floor - r.found:.2f}" for r in below if r.floor)
    return f"Below the floor: {worst}."


def training_table(logs: Path) -> str:
    """Steps and hours of each stage, and what its losses fell from and to."""
    lines = ["| stage | steps | minutes | first and last loss |", "|---|--:|--:|---|"]
    for stage in STAGES:
        with (logs / f"{stage}.csv").open() as file:
            rows = list(csv.DictReader(file))
        seconds = [float(row["seconds"]) for row in rows]
        ends = [s for s, after in zip(seconds, [*seconds[1:], 0.0], strict=True) if after < s]
        first, last = float(rows[0]["loss"]), float(rows[-1]["loss"])
        minutes = sum(ends) / 60
        lines.append(f"| {stage} | {rows[-1]['step']} | {minutes:.0f} | {first:.2f}, {last:.2f} |")
    return "\n".join(lines)


def ablation_table(variants: dict[str, dict[str, float]]) -> str:
    """One line a variant, one column a source."""
    names = list(next(iter(variants.values())))
    lines = [f"| taught by | {' | '.join(names)} | mean |", "|---|" + "--:|" * (len(names) + 1)]
    for variant, figures in variants.items():
        cells = [f"{figures[name]:.2f}" for name in names]
        lines.append(f"| {variant} | {' | '.join(cells)} | {mean(list(figures.values())):.3f} |")
    return "\n".join(lines)


def mean_top1(name: str) -> float:
    """The mean zero-shot accuracy of an evaluation beside this file."""
    return mean([figures["top1"] for figures in read(name)["zero_shot"].values()])


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def page(evaluation: dict[str, Any], pack: manifest.Manifest, logs: Path) -> str:
    rows = zero_shot_rows(evaluation)
    ablations = read("ablations.json")
    judged = [(row.found, row.floor) for row in rows if row.floor is not None]
    sources = ["| pictures | from | how many | terms |", "|---|---|--:|---|"]
    sources += [f"| {s.name} | {s.where} | {s.pictures:,} | {s.terms} |" for s in pack.sources]
    verified = pack.precision["verified"]
    return TEXT.format(
        megabytes=pack.size / 1e6,
        templates=len(pack.templates),
        zero_shot=zero_shot_table(rows),
        mean_found=mean([found for found, _ in judged]),
        mean_floor=mean([floor for _, floor in judged]),
        mean_first=mean([row.first for row in rows if row.floor is not None]),
        mean_teacher=mean([row.teacher for row in rows if row.floor is not None]),
        near_copies=read("near_copies.json")["left_out"],
        judged=read("near_copies.json")["judged"],
        ablation_steps=ablations["steps"],
        captioned=ablations["captioned"],
        ablations=ablation_table(ablations["variants"]),
        mean_clean=mean_top1("evaluation-clean.json"),
        mean_match=mean_top1("evaluation-match.json"),
        retrieval=retrieval_table(evaluation),
        weaknesses=weaknesses(rows),
        pictures=sum(s.pictures for s in pack.sources),
        training=training_table(logs),
        compared=verified["compared"],
        image_difference=verified["max_difference"]["image"],
        text_difference=verified["max_difference"]["text"],
        sources="\n".join(sources),
    )


def short(evaluation: dict[str, Any]) -> str:
    """The same figures as the README has room for."""
    rows = zero_shot_rows(evaluation)
    lines = [f"| | {' | '.join(row.source for row in rows)} |", "|---|" + "--:|" * len(rows)]
    lines.append(f"| classes to choose from | {' | '.join(str(row.classes) for row in rows)} |")
    lines.append(f"| right | {' | '.join(f'{row.found:.0%}' for row in rows)} |")
    found = evaluation["retrieval"]["flickr8k"]
    lines += [
        "",
        f"Of {found['images']} Flickr8k pictures the one that a caption describes is among the "
        f"first ten in {found['r@10']:.0%}.",
    ]
    return "\n".join(lines)


def main() -> None:
    evaluation = json.loads((HERE / "evaluation.json").read_text())
    pack = manifest.read(catalogue.find("starter", None))
    (ROOT / "docs/starter.md").write_text(page(evaluation, pack, HERE / "logs"), "utf-8")
    put(ROOT / "README.md", "recipes.starter.report", short(evaluation))


if __name__ == "__main__":
    main()
