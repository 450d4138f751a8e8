# SPDX-License-Identifier: GPL-3.0-or-later
"""A package as the text that the ledger keeps, so that frames of a task can be accepted after a restart, too.

Runs without Blender.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from .seams import Archive, FrameNames, Package


def package_to_text(package: Package) -> str:
    """Write a package so that `package_from_text` makes an equal one of it."""
    plain = asdict(package)
    plain["scene"]["path"] = str(package.scene.path)
    plain["names"]["folder"] = str(package.names.folder)
    plain["job"] = package.job.decode()
    return json.dumps(plain, ensure_ascii=False)


def package_from_text(text: str) -> Package:
    """Read a package that `package_to_text` wrote."""
    plain = json.loads(text)
    scene, names = plain.pop("scene"), plain.pop("names")
    return Package(
        scene=Archive(**{**scene, "path": Path(scene["path"])}), names=FrameNames(**{**names, "folder": Path(names["folder"])}),
        job=plain.pop("job").encode(), notes=tuple(plain.pop("notes", ())), **plain,
    )  # fmt: skip
