"""What each kind of run shows in its report."""

import html
import json
from pathlib import Path

from albumen.training import agreement, report
from albumen.training.classifying import Judged
from albumen.training.clipping import Trained
from albumen.training.fingerprinting import Fingerprinted
from albumen.training.report import Section
from albumen.training.towers import STAGES

FIGURES = "figures.json"
SHOWN = 12


def classifier_report(folder: Path, judged: Judged) -> None:
    """report.html and figures.json of a classifier's run."""
    figures = {"classes": [*judged.classes]} | judged.figures
    (folder / FIGURES).write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    answered = judged.logits.argmax(1)
    sections = [
        Section("Judged by pictures that were not learned", report.table(judged.figures)),
        Section("Curves", report.curves(folder)),
        Section(
            "Confusion: rows are what pictures show, columns what was answered",
            report.confusion(judged.labels, answered, judged.classes),
        ),
        Section(
            "Samples: the surest mistakes first",
            report.samples(judged.pixels, judged.labels, judged.logits, judged.classes),
        ),
        Section("Left out", report.left_out(judged.skipped)),
        Section("Recipe", _recipe(folder)),
    ]
    report.write(folder / "report.html", f"A classifier of {len(judged.classes)} classes", sections)


def clip_report(folder: Path, found: Trained) -> None:
    """report.html and figures.json of a CLIP's run."""
    (folder / FIGURES).write_text(json.dumps(found.figures, indent=1) + "\n", "utf-8")
    some = found.plan.held.some(SHOWN)
    captions = [f"{place}: {text}" for place, text in enumerate(some.texts, 1)]
    numbers = [str(place) for place, _ in enumerate(captions, 1)]
    shown = [
        report.picture(pixels, html.escape(caption))
        for pixels, caption in zip(some.pixels, captions, strict=True)
    ]
    curves = [
        Section(f"Curves of the stage {stage}", report.curves(folder / stage)) for stage in STAGES
    ]
    sections = [
        Section("Text to image, among pictures not learned", report.table(found.figures)),
        *curves,
        Section("Some of those pictures", f'<div class="samples">{"".join(shown)}</div>'),
        Section(
            "How like each text (row) is to each picture (column): the diagonal should stand out",
            report.matrix(found.likeness(some).T, captions, numbers, ".2f"),
        ),
        Section("Left out", report.left_out(found.plan.skipped)),
        Section("Recipe", _recipe(folder)),
    ]
    report.write(folder / "report.html", f"A {found.title}", sections)


def fingerprint_report(folder: Path, found: Fingerprinted) -> None:
    """report.html and figures.json of a fingerprint's run."""
    (folder / FIGURES).write_text(json.dumps(found.figures, indent=1) + "\n", "utf-8")
    numbers = [str(place + 1) for place in range(len(found.pixels))]
    shown = [report.picture(p, n) for p, n in zip(found.pixels, numbers, strict=True)]
    sections = [
        Section("Edited views of pictures not learned", report.table(found.figures)),
        Section("Curves", report.curves(folder)),
        Section("Some of those pictures", f'<div class="samples">{"".join(shown)}</div>'),
        Section(
            "How like a mild edit (row) is to a strong one (column)",
            report.matrix(found.likeness, numbers, numbers, ".2f"),
        ),
        Section("Left out", report.left_out(found.skipped)),
        Section("Recipe", _recipe(folder)),
    ]
    report.write(folder / "report.html", "A fingerprint that finds copies", sections)


def _recipe(folder: Path) -> str:
    said = agreement.recipe(folder)
    return report.table(said) if said else ""
