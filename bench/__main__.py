# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: the same pictures through this server and through what a user would run instead, in one run, as ratios.

Runs without Blender; what it starts are real Blenders.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chart
import ours
import rivals
import server_cost
from measuring import Figures, measured
from rows import ROWS, Row, Shot

COLUMNS = ("s", "of best rival", "of the floor", "MB", "cores", "first picture s")


def measure(program: str, row: Row, folder: Path) -> dict[str, Any]:
    """Measure one row in every arrangement; raise when a picture is missing: what did not render must not look fast."""
    shots = row.shots(folder)
    found: dict[str, Figures] = {}
    floors: list[float] = []

    def arrange(name: str, work: Callable[[list[Shot]], float | None]) -> None:
        out = folder / "out" / name.replace(" ", "-")
        placed = [shot.written(out) for shot in shots]
        found[name] = measured(out, lambda: work(placed))
        expected = sum(shot.last - shot.first + 1 for shot in placed)
        written = len(list(out.glob("*.png")))
        if written < len({shot.output for shot in placed}) or written < expected:
            raise RuntimeError(f"{name}: {written} pictures of {expected}")
        print(f"    {name}: {found[name].seconds:.2f} s", flush=True)

    arrange("a Blender each", lambda placed: rivals.each(program, placed))
    if any(shot.last - shot.first >= rivals.CHUNK for shot in shots):
        arrange("a Blender for each 10 frames", lambda placed: rivals.chunks(program, placed))
    arrange("two Blenders at once", lambda placed: rivals.two_at_once(program, placed))
    arrange("a warm script", lambda placed: floors.append(rivals.warm(program, placed, folder / "list.json")))
    with ours.started(program, folder / "data") as server:
        arrange("ours", lambda placed: _render(server, placed))
        arrange("ours, warm", lambda placed: _render(server, placed))
    best = min(figures.seconds for name, figures in found.items() if not name.startswith("ours"))
    floor = min(floors)
    return {
        name: figures.told() | {"of best rival": figures.seconds / best, "of the floor": figures.seconds / floor, "times faster than each": _each(found, name)}
        for name, figures in found.items()
    }


def _each(found: dict[str, Figures], name: str) -> float:
    return found["a Blender each"].seconds / found[name].seconds


def _render(server: ours.Server, shots: list[Shot]) -> float:
    seconds, answer = server.render({"version": 2.2, "jobs": [shot.job() for shot in shots]})
    wrong = [job for job in answer["jobs"] if job["status"] != "FINISHED"]
    if wrong:
        raise RuntimeError(wrong[:3])
    return seconds


def table(figures: dict[str, dict[str, Any]]) -> str:
    """Show a Blender's rows as a table of text."""
    lines = ["| task | arrangement | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    for name, arrangements in figures.items():
        for arrangement, told in arrangements.items():
            first = told["first_picture"]
            cells = [f"{told['seconds']:.2f}", f"{told['of best rival']:.2f}", f"{told['of the floor']:.2f}", f"{told['memory_mb']:.0f}",
                     f"{told['cores']:.2f}", "" if first is None else f"{first:.2f}"]  # fmt: skip
            lines.append(f"| {ROWS[name].title} | {arrangement} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run the bench on the Blenders named, and print a table for each."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("programs", nargs="*", default=["blender"], help="Blender binaries to compare on")
    parser.add_argument("--only", action="append", choices=sorted(ROWS), help="this row; can be given again")
    parser.add_argument("--without-server-cost", action="store_true", help="leave out what a long list and a long animation cost the server")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--picture", type=Path, help="draw the seconds here, too (SVG)")
    options = parser.parse_args()
    names = options.only or list(ROWS)
    found: dict[str, Any] = {}
    for program in options.programs:
        print(f"\n{program}", flush=True)
        found[program] = {"rows": {name: _row(program, ROWS[name]) for name in names}}
        print("\n" + table(found[program]["rows"]), flush=True)
        if not options.only and not options.without_server_cost:
            found[program]["server"] = server_cost.measure(program)
        # Written after each Blender: a bench that is ended early keeps what it has.
        if options.json:
            options.json.write_text(json.dumps(found, indent=2) + "\n")
        if options.picture:
            rows = {f"{program}: {ROWS[name].title}": told for program, each in found.items() for name, told in each["rows"].items()}
            options.picture.write_text(chart.draw({title: {key: told["seconds"] for key, told in row.items()} for title, row in rows.items()}))


def _row(program: str, row: Row) -> dict[str, Any]:
    print(f"  {row.title}", flush=True)
    with tempfile.TemporaryDirectory(prefix="renderplus-bench-") as name:
        rivals.run(program, "-b", "--factory-startup", "--python-exit-code", "7", "--python", str(rivals.BENCH / "scenes.py"), "--", name, *row.scenes)
        return measure(program, row, Path(name))


if __name__ == "__main__":
    sys.exit(main())
