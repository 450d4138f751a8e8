-- SPDX-License-Identifier: GPL-3.0-or-later
-- What went wrong, as a code for programs: of frames and attempts, of whole jobs (JSON: code, sentence, frame), and of what is only worth knowing.

ALTER TABLE frame ADD COLUMN code TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN code TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN failure TEXT;
ALTER TABLE job ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';
