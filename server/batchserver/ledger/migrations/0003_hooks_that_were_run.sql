-- SPDX-License-Identifier: GPL-3.0-or-later
-- Whether the hooks that come before a batch or job were run for this start of it, so that a server that starts again does not run them twice.

ALTER TABLE batch ADD COLUMN passed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN passed INTEGER NOT NULL DEFAULT 0;
