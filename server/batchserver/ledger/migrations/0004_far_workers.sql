-- SPDX-License-Identifier: GPL-3.0-or-later
-- Other machines that render: who may join, the machines that joined, the leases that they hold, the packages these were made from, and what
-- each protocol keeps for itself.

CREATE TABLE far_account (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    lookup    TEXT    NOT NULL UNIQUE,
    salt      TEXT    NOT NULL,
    secret    TEXT    NOT NULL,
    digest    TEXT    NOT NULL,
    addresses TEXT    NOT NULL DEFAULT '[]',
    created   REAL    NOT NULL
) STRICT;

CREATE TABLE far_worker (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES far_account (id) ON DELETE CASCADE,
    speech     TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    name       TEXT    NOT NULL UNIQUE,
    facts      TEXT    NOT NULL DEFAULT '{}',
    joined     REAL    NOT NULL,
    seen       REAL    NOT NULL,
    standing   TEXT    NOT NULL DEFAULT 'active',
    reason     TEXT    NOT NULL DEFAULT '',
    done       INTEGER NOT NULL DEFAULT 0,
    failed     INTEGER NOT NULL DEFAULT 0,
    bad        INTEGER NOT NULL DEFAULT 0,
    laps       TEXT    NOT NULL DEFAULT '[]',
    UNIQUE (account_id, speech, key)
) STRICT;

CREATE TABLE far_package (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    facts  TEXT    NOT NULL
) STRICT;

CREATE INDEX far_package_of_job ON far_package (job_id);

CREATE TABLE far_task (
    lease_id   INTEGER PRIMARY KEY REFERENCES lease (id) ON DELETE CASCADE,
    worker_id  INTEGER NOT NULL,
    package_id INTEGER NOT NULL REFERENCES far_package (id) ON DELETE CASCADE,
    token      TEXT    NOT NULL,
    deadline   REAL    NOT NULL,
    patience   REAL    NOT NULL
) STRICT;

CREATE INDEX far_task_of_package ON far_task (package_id);

CREATE TABLE far_kept (
    speech TEXT NOT NULL,
    key    TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (speech, key)
) STRICT, WITHOUT ROWID;
