"""Line charts as inline SVG, made to be read on a phone and in the dark: colours come from the page's style."""

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 420, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 26
HEAD = 22
POINTS = 400
STYLE = (
    "text{fill:#808895;font:11.5px system-ui,sans-serif}.rule{stroke:#80889540}.line{fill:none;stroke-width:1.8}"
    ".line.c0{stroke:#3b82d6}.line.c1{stroke:#e0703f}.dot.c0,.key.c0{fill:#3b82d6}.dot.c1,.key.c1{fill:#e0703f}"
)
"""Of a file of its own; colours that can be read on white and on black."""
Line = Sequence[tuple[float, float | None]]


def line_chart(
    title: str,
    lines: Mapping[str, Line],
    *,
    log: bool = False,
    marks: Sequence[float] = (),
    level: float | None = None,
) -> str:
    """A figure with a legend, for a page with the report's style; "" if there is nothing to draw.

    Args:
        title: above it.
        lines: {name: (x, y) in the order of x}; a y that is `None` or not finite leaves a gap.
        log: whether y is drawn on a logarithmic scale, what is not positive left out.
        marks: x at which something happened, drawn as vertical lines.
        level: y of a dashed line across.
    """
    drawn = _drawn(lines, log)
    if not drawn:
        return ""
    box, label = f"0 0 {WIDTH} {HEIGHT}", escape(title, quote=True)
    legend = "".join(f'<span class="key c{i % 4}">{escape(name)}</span>' for i, name in enumerate(drawn))
    return (
        f'<figure class="chart"><figcaption><b>{escape(title)}</b><span class="legend">{legend}</span></figcaption>'
        f'<svg viewBox="{box}" role="img" aria-label="{label}">{_inner(drawn, log, marks, level)}</svg>'
        "</figure>"
    )


def svg_file(panels: Mapping[str, Mapping[str, Line]]) -> str:
    """Charts side by side as the text of an SVG file that brings its own style; what has nothing to draw is left out.

    Args:
        panels: {title: lines as for `line_chart`}.
    """
    parts: list[str] = []
    for title, lines in panels.items():
        drawn = _drawn(lines, log=False)
        if not drawn:
            continue
        keys = "".join(f'<tspan class="key c{i % 4}" dx="10">{escape(name)}</tspan>' for i, name in enumerate(drawn))
        parts.append(
            f'<svg x="{len(parts) * WIDTH}" width="{WIDTH}" height="{HEIGHT + HEAD}" '
            f'viewBox="0 {-HEAD} {WIDTH} {HEIGHT + HEAD}"><text x="{LEFT}" y="-6">{escape(title)}{keys}</text>'
            f"{_inner(drawn, False, (), None)}</svg>"
        )
    box = f"0 0 {len(parts) * WIDTH} {HEIGHT + HEAD}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"><style>{STYLE}</style>{"".join(parts)}</svg>\n'


def _drawn(lines, log):
    drawn = {name: _thinned(_clean(points, log)) for name, points in lines.items()}
    return {name: points for name, points in drawn.items() if any(y is not None for _, y in points)}


def _inner(drawn, log, marks, level):
    xs = [x for points in drawn.values() for x, _ in points]
    ys = [y for points in drawn.values() for _, y in points if y is not None]
    low, high = _limits(ys if level is None or log else [*ys, level], log)
    first, last = min(xs), max(xs)

    def across(x):
        return LEFT + (x - first) / ((last - first) or 1) * (WIDTH - LEFT - RIGHT)

    def down(y):
        return TOP + (high - y) / ((high - low) or 1) * (HEIGHT - TOP - BOTTOM)

    parts = []
    for y in _ticks(low, high, log):
        text = f"1e{y:g}" if log else _short(y)
        parts.append(f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(y):.1f}" y2="{down(y):.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{down(y) + 4:.1f}" text-anchor="end">{text}</text>')
    for x in _ticks(first, last, False, most=4):
        anchor = "end" if across(x) > WIDTH - 30 else "middle"
        parts.append(f'<text x="{across(x):.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{_short(x)}</text>')
    if level is not None and not log:
        parts.append(
            f'<line class="level" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(level):.1f}" y2="{down(level):.1f}"/>'
        )
    for x in marks:
        if first <= x <= last:
            parts.append(
                f'<line class="mark" x1="{across(x):.1f}" x2="{across(x):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
            )
    for i, points in enumerate(drawn.values()):
        parts.append(f'<path class="line c{i % 4}" d="{_path(points, across, down)}"/>')
        if sum(y is not None for _, y in points) <= 40:
            dots = (
                f'<circle class="dot c{i % 4}" cx="{across(x):.1f}" cy="{down(y):.1f}" r="2.6"/>'
                for x, y in points
                if y is not None
            )
            parts += dots
    return "".join(parts)


def _clean(points, log):
    def value(y):
        if y is None or not math.isfinite(y) or (log and y <= 0):
            return None
        return math.log10(y) if log else y

    return [(x, value(y)) for x, y in points]


def _thinned(points):
    """`POINTS` points or fewer: the mean of each stretch."""
    if len(points) <= POINTS:
        return points
    size = math.ceil(len(points) / POINTS)
    out = []
    for i in range(0, len(points), size):
        ys = [y for _, y in points[i : i + size] if y is not None]
        out.append((points[i : i + size][-1][0], sum(ys) / len(ys) if ys else None))
    return out


def _limits(ys, log):
    low, high = min(ys), max(ys)
    if log:
        return math.floor(low), max(math.ceil(high), math.floor(low) + 1)
    if low >= 0 and low < 0.5 * high:
        low = 0.0  # near enough to zero to show it
    spare = 0.05 * (high - low) or abs(high) or 1.0
    return (low if low == 0 else low - spare), high + spare


def _ticks(low, high, log, most=5):
    if log:
        step = math.ceil((high - low) / most) or 1
        return list(range(math.ceil(low), math.floor(high) + 1, step))
    rough = (high - low) / most or 1.0
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(m * size for m in (1, 2, 2.5, 5, 10) if m * size >= rough * 0.999)
    return [i * step for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _short(value):
    """1200 as 1.2k."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _path(points, across, down):
    parts, pen = [], "M"
    for x, y in points:
        if y is None:
            pen = "M"
            continue
        parts.append(f"{pen}{across(x):.1f} {down(y):.1f}")
        pen = "L"
    return "".join(parts)
