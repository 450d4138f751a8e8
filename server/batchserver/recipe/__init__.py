# SPDX-License-Identifier: GPL-3.0-or-later
"""From a recipe's text to checked plain values, or to every fault in it. Knows only the model. Runs without Blender."""

from .alone import alone
from .checks import check_files, estimated_bytes
from .collisions import rival
from .disk import Disk, RealDisk
from .existing import DiskSurvey, present
from .loading import load_recipe, nothing_to_render
from .output_path import main_output_name, movie_output_name
from .schema import SCHEMA_FILE, schema_text
from .secrets import mail_password, without_secrets

__all__ = [
    "SCHEMA_FILE",
    "Disk",
    "DiskSurvey",
    "RealDisk",
    "alone",
    "check_files",
    "estimated_bytes",
    "load_recipe",
    "mail_password",
    "main_output_name",
    "movie_output_name",
    "nothing_to_render",
    "present",
    "rival",
    "schema_text",
    "without_secrets",
]
