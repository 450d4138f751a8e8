-- SPDX-License-Identifier: GPL-3.0-or-later
-- Batches in a queue, their jobs, a row for each frame, and the leases under which frames were handed out.

CREATE TABLE batch (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL,
    status      TEXT    NOT NULL CHECK (status IN ('WAITING', 'RUNNING', 'FINISHED', 'CANCELLED')),
    position    REAL    NOT NULL,
    queued      INTEGER NOT NULL DEFAULT 0,
    paused      INTEGER NOT NULL DEFAULT 0,
    trusted     INTEGER NOT NULL DEFAULT 0,
    blender_bin TEXT    NOT NULL DEFAULT '',
    document    TEXT    NOT NULL,
    created     REAL    NOT NULL,
    started     REAL,
    finished    REAL,
    messages    TEXT    NOT NULL DEFAULT '[]'
) STRICT;

CREATE TABLE job (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_id INTEGER NOT NULL REFERENCES batch (id) ON DELETE CASCADE,
    place    INTEGER NOT NULL,
    job      TEXT    NOT NULL,
    status   TEXT    NOT NULL CHECK (status IN ('QUEUED', 'DISABLED', 'RUNNING', 'FINISHED', 'CANCELLED', 'FAILED')),
    started  REAL,
    finished REAL,
    messages TEXT    NOT NULL DEFAULT '[]',
    encode   TEXT,
    movie    TEXT    NOT NULL DEFAULT '',
    stamp    TEXT,
    held     TEXT    NOT NULL DEFAULT '',
    UNIQUE (batch_id, place)
) STRICT;

CREATE TABLE frame (
    job_id   INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    place    INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    state    TEXT    NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'leased', 'sealing', 'done', 'failed', 'cancelled')),
    lease_id INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    seconds  REAL,
    finished REAL,
    outputs  TEXT    NOT NULL DEFAULT '[]',
    error    TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX frame_queued ON frame (job_id, place) WHERE state = 'queued';
CREATE INDEX frame_unsettled ON frame (lease_id) WHERE state IN ('leased', 'sealing');

CREATE TABLE lease (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id  INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    kind    TEXT    NOT NULL,
    worker  TEXT    NOT NULL,
    frames  TEXT    NOT NULL,
    granted REAL    NOT NULL,
    ended   REAL,
    outcome TEXT,
    log     TEXT    NOT NULL DEFAULT '',
    folders TEXT    NOT NULL DEFAULT '[]'
) STRICT;

CREATE INDEX lease_open ON lease (job_id) WHERE ended IS NULL;
CREATE INDEX lease_of_job ON lease (job_id, id);

CREATE TABLE attempt (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id   INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    frame    INTEGER NOT NULL,
    lease_id INTEGER NOT NULL,
    ended    REAL    NOT NULL,
    good     INTEGER NOT NULL,
    seconds  REAL,
    reason   TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX attempt_of_frame ON attempt (job_id, frame);
