# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages to telephones, chats and webhooks. Runs without Blender."""
