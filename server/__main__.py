# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the batch server: `python3 server --recipe FILE`. Runs without Blender."""

import sys

from batchserver.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
