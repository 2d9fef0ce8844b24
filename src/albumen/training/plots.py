"""A run's curves as SVG."""

import io
import logging
from collections.abc import Sequence
from pathlib import Path

from albumen.training import log

Curves = dict[str, tuple[Sequence[float], Sequence[float]]]
"""By name: steps, values."""


def svg(title: str, curves: Curves, *, logarithmic: bool = False) -> str:
    """One plot of several curves over steps."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of its font cache
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "albumen", "font.size": 9}):
        figure = Figure(figsize=(5.2, 3))
        axes = figure.add_axes((0.13, 0.16, 0.84, 0.74))  # finding a layout takes half the time
        for name, (steps, values) in curves.items():
            axes.plot(steps, values, label=name, linewidth=1.2)
        axes.set_title(title)
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        axes.set_yscale("log" if logarithmic else "linear")
        if len(curves) > 1:
            axes.legend()
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    drawn = out.getvalue()
    return drawn[drawn.index("<svg") :]


def of_run(folder: Path) -> dict[str, str]:
    """The plots of a run's logs: the loss, the rate, and each figure that is logged or judged."""
    rows, judged = log.read(folder / "log.csv"), log.read(folder / "evaluation.csv")
    if not rows:
        return {}
    curves: dict[str, Curves] = {}
    for kind, found in (("training", rows), ("judged", judged)):
        for name in [*found[0]] if found else []:
            if name not in ("step", "seconds"):
                points = [(row["step"], row[name]) for row in found if name in row]
                steps, values = zip(*points, strict=True)
                curves.setdefault(name, {})[kind] = (steps, values)
    return {name: svg(name, several) for name, several in curves.items()}
