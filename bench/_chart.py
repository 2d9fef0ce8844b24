"""Plain charts as SVG, drawn by the measurements themselves: bars, and lines over sizes."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

COLOURS = ("#4269d0", "#b07aa1", "#59a14f", "#f28e2b")
FONT = 'font-family="system-ui, sans-serif" font-size="13"'
WIDTH, ROW, LABEL, MARGIN = 720, 30, 230, 46


def bars(file: Path, title: str, values: Mapping[str, float], unit: str) -> None:
    """A horizontal bar for each value, with its figure."""
    room, most = WIDTH - LABEL - 110, max(values.values())
    parts = [_text(0, 18, title, weight="bold")]
    for row, (name, value) in enumerate(values.items()):
        y = 34 + row * ROW
        length = room * value / most
        colour = COLOURS[1] if "rclip" in name else COLOURS[0]
        parts += [
            _text(LABEL - 10, y + 15, name, anchor="end"),
            f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="20" fill="{colour}"/>',
            _text(LABEL + length + 6, y + 15, f"{_short(value)} {unit}"),
        ]
    _write(file, 40 + ROW * len(values), parts)


def lines(
    file: Path, title: str, sizes: Sequence[int], values: Mapping[str, Sequence[float]], unit: str
) -> None:
    """A line for each series over sizes, both axes logarithmic; dashed: growth in proportion."""
    height, bottom, top = 360, 310, 40
    flat = [value for series in values.values() for value in series]
    low, high = math.log10(min(flat)), math.log10(max(flat))
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])
    right = WIDTH - 170

    def at(size: float, value: float) -> tuple[float, float]:
        x = MARGIN + 20 + (right - MARGIN - 20) * (math.log10(size) - first) / (last - first)
        y = bottom - (bottom - top) * (math.log10(value) - low) / ((high - low) or 1)
        return x, y

    parts = [_text(0, 18, f"{title} ({unit}, both axes logarithmic)", weight="bold")]
    for size in sizes:
        x, _ = at(size, min(flat))
        parts += [
            f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>',
            _text(x, bottom + 20, f"{size:,}", anchor="middle"),
        ]
    for colour, (name, series) in zip(COLOURS, values.items(), strict=False):
        points = [at(size, value) for size, value in zip(sizes, series, strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), value in zip(points, series, strict=True):
            parts += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>',
                _text(x + 6, y - 6, _short(value)),
            ]
        parts.append(_text(right + 34, points[-1][1] + 4, name, colour=colour))
    _write(file, height, parts)


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal",
    colour: str = "#222",
) -> str:  # fmt: skip
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" {FONT} font-weight="{weight}" fill="{colour}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _write(file: Path, height: int, parts: Sequence[str]) -> None:
    body = "\n".join(parts)
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 0 {WIDTH + 16} {height}" '
        f'role="img"><rect x="-8" width="{WIDTH + 16}" height="{height}" fill="#fff"/>\n{body}\n'
        "</svg>\n",
        encoding="utf-8",
    )
