# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the bench as bars in an SVG: seconds of each arrangement, a group for each row. Runs without Blender."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

WIDTH, LABEL, BAR, GAP = 900, 240, 16, 34
OURS, THEIRS = "#e87d0d", "#8a8f98"


def draw(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Return the picture of `{row: {arrangement: seconds}}`; each row has a scale of its own."""
    parts: list[str] = []
    y = 10
    for title, arrangements in rows.items():
        y += GAP
        parts.append(f'<text x="10" y="{y - 10}" font-weight="bold">{escape(title)}</text>')
        longest = max(arrangements.values(), default=0.0) or 1.0
        for name, seconds in arrangements.items():
            length = (WIDTH - LABEL - 90) * seconds / longest
            colour = OURS if name.startswith("ours") else THEIRS
            parts.append(f'<text x="{LABEL - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>')
            parts.append(f'<rect x="{LABEL}" y="{y}" width="{max(length, 1):.1f}" height="{BAR - 2}" fill="{colour}"/>')
            parts.append(f'<text x="{LABEL + length + 6:.1f}" y="{y + 12}">{seconds:.2f} s</text>')
            y += BAR
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 20}" font-family="sans-serif" font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>"]) + "\n"
