# SPDX-License-Identifier: GPL-2.0-or-later
"""Bars in SVG, by hand: for each measure the median of each system, and its spread."""

from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 760, 220, 120
ROW, GAP, TOP = 20, 34, 24
COLOURS = {"limpet": "#1f6f8b", "no switch": "#bbbbbb"}
OTHERS = "#d9a066"

STYLE = ("text{font:12px sans-serif;fill:#222}.title{font-weight:bold}"
         ".spread{stroke:#222;stroke-width:1.5}")


def colour(name):
    return next((colour for start, colour in COLOURS.items() if name.startswith(start)), OTHERS)


def bar(top, name, figures, scale):
    """One system: (minimum, median, maximum)."""
    low, middle, high = figures
    y, centre = top + 3, top + ROW / 2
    yield f'<text x="{LEFT - 8}" y="{centre + 4}" text-anchor="end">{escape(name)}</text>'
    yield (f'<rect x="{LEFT}" y="{y}" width="{middle * scale:.1f}" height="{ROW - 6}" '
           f'fill="{colour(name)}"/>')
    yield (f'<line class="spread" x1="{LEFT + low * scale:.1f}" x2="{LEFT + high * scale:.1f}" '
           f'y1="{centre}" y2="{centre}"/>')
    yield f'<text x="{LEFT + high * scale + 6:.1f}" y="{centre + 4}">{middle:.3g}</text>'


def draw(groups):
    """An SVG of [(title, [(name, (minimum, median, maximum))])]."""
    lines, y = [], TOP
    for title, rows in groups:
        lines.append(f'<text class="title" x="8" y="{y}">{escape(title)}</text>')
        y += 8
        scale = (WIDTH - LEFT - RIGHT) / max(figures[2] for _, figures in rows)
        for name, figures in rows:
            lines += bar(y, name, figures, scale)
            y += ROW
        y += GAP
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}">',
                      f"<style>{STYLE}</style>",
                      f'<rect width="{WIDTH}" height="{y}" fill="white"/>', *lines, "</svg>", ""])
