"""A run's report: one HTML file that shows its curves and what it answers, and asks for nothing.

Pictures are inside the file; it is made on this machine and is for whoever may see them.
"""

import base64
import html
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from albumen.evaluation.shards import Skip
from albumen.training import plots
from albumen.whole_file import replacing

MOST_CLASSES = 40
"""A larger confusion matrix says nothing to the eye; its worst pairs are listed instead."""
SAMPLES = 12
SKIPS_SHOWN = 50

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem }
table { border-collapse: collapse } td, th { padding: .15rem .5rem; text-align: left }
.matrix td { text-align: right; min-width: 1.6rem; padding: .1rem .25rem; font-size: 12px }
.matrix th { font-size: 12px; font-weight: normal }
.plots, .samples { display: flex; flex-wrap: wrap; gap: 1rem }
.plots svg { max-width: 32rem; height: auto } figure { margin: 0; max-width: 9rem; font-size: 13px }
figure img { width: 8rem; height: 8rem; object-fit: contain; image-rendering: auto }
.wrong { color: #a00 }
"""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it, HTML."""

    title: str
    body: str


def write(file: Path, title: str, sections: Iterable[Section]) -> None:
    """Write the page, in one go."""
    parts = [f"<h2>{html.escape(s.title)}</h2>\n{s.body}" for s in sections if s.body]
    page = (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{html.escape(title)}'
        f"</title>\n<style>{STYLE}</style>\n<h1>{html.escape(title)}</h1>\n"
        + "\n".join(parts)
        + "\n</html>\n"
    )
    with replacing(file, durable=False) as out:
        out.write(page.encode())


def table(values: dict[str, Any]) -> str:
    """Names and values."""
    rows = (
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(_told(value))}</td></tr>"
        for name, value in values.items()
    )
    return f"<table>{''.join(rows)}</table>"


def _told(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def curves(folder: Path) -> str:
    """The plots of a run's logs."""
    drawn = "".join(f"<div>{plot}</div>" for plot in plots.of_run(folder).values())
    return f'<div class="plots">{drawn}</div>' if drawn else ""


def confusion(
    labels: npt.NDArray[np.int64], answered: npt.NDArray[np.int64], classes: Sequence[str]
) -> str:
    """Rows: what pictures show; columns: what was answered. Of many classes, the worst pairs."""
    count = len(classes)
    pairs = np.bincount(labels * count + answered, minlength=count * count).reshape(count, count)
    if count > MOST_CLASSES:
        return _worst(pairs, classes)
    return matrix(pairs, classes, classes)


def matrix(
    values: npt.NDArray[Any], rows: Sequence[str], columns: Sequence[str], form: str = ".0f"
) -> str:
    """A table of numbers, each shaded by its share of the largest of its row."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    lines = []
    for name, line in zip(rows, values, strict=True):
        most = max(float(line.max()), 1e-9)
        cells = "".join(
            f'<td style="background: rgb(40 110 200 / {max(0.0, 0.75 * float(v) / most):.2f})">'
            f"{v:{form}}</td>"
            for v in line
        )
        lines.append(f"<tr><th>{html.escape(name)}</th>{cells}</tr>")
    return f'<table class="matrix"><tr><th></th>{head}</tr>{"".join(lines)}</table>'


def _worst(pairs: npt.NDArray[np.int64], classes: Sequence[str]) -> str:
    wrong = pairs.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:30]
    found = [divmod(int(at), len(classes)) for at in order if wrong.flat[at]]
    items = (
        f"<li>{html.escape(classes[i])} taken for {html.escape(classes[j])}: {pairs[i, j]} of "
        f"{pairs[i].sum()}</li>"
        for i, j in found
    )
    return f"<ul>{''.join(items)}</ul>"


def samples(
    pixels: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    logits: npt.NDArray[np.float32],
    classes: Sequence[str],
) -> str:
    """The surest wrong answers, and some right ones."""
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    answered, sure = logits.argmax(1), shares.max(1)
    wrong = np.flatnonzero(answered != labels)
    right = np.flatnonzero(answered == labels)
    chosen = [*wrong[np.argsort(-sure[wrong])][:SAMPLES], *right[:: max(1, len(right) // SAMPLES)]]
    shown = []
    for row in chosen[: 2 * SAMPLES]:
        said = f"{html.escape(classes[answered[row]])} {sure[row]:.0%}"
        if answered[row] != labels[row]:
            said = f'<span class="wrong">{said}</span>, is {html.escape(classes[labels[row]])}'
        shown.append(picture(pixels[row], said))
    return f'<div class="samples">{"".join(shown)}</div>'


def picture(pixels: npt.NDArray[np.uint8], caption: str) -> str:
    """A picture with a caption in HTML; pixels: uint8 (H, W, 3)."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=85)
    data = base64.b64encode(out.getvalue()).decode()
    return (
        f'<figure><img alt="" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def left_out(skipped: Sequence[Skip]) -> str:
    """What was not used, and why."""
    if not skipped:
        return ""
    items = [f"<li>{html.escape(f'{s.name}: {s.reason}')}</li>" for s in skipped[:SKIPS_SHOWN]]
    if len(skipped) > SKIPS_SHOWN:
        items.append(f"<li>{len(skipped) - SKIPS_SHOWN:,} more</li>")
    return f"<ul>{''.join(items)}</ul>"
