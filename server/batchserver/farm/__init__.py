# SPDX-License-Identifier: GPL-3.0-or-later
"""The farm: workers that are not of this machine, and the gateways that speak their protocols. Off unless `--farm` asks for it.

A gateway is a translation to `seams.Desk` and back; queue, ledger and acceptance are the dispatcher's. Runs without Blender.
"""
