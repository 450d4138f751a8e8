# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: one SQLite file where batches, jobs, frames and leases stand. What is not in it did not happen.

Runs without Blender.
"""
