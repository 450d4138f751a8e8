-- SPDX-License-Identifier: GPL-3.0-or-later
-- What rendered the frames of a lease (JSON: program, version, build, engine, device), and the memory that a frame took, in the engine's words.

ALTER TABLE lease ADD COLUMN made_with TEXT NOT NULL DEFAULT '{}';
ALTER TABLE frame ADD COLUMN memory TEXT NOT NULL DEFAULT '';
