-- A database of schema version 1 with a row of everything. Never edited.
CREATE TABLE alerts (
    dedup_key TEXT NOT NULL PRIMARY KEY,
    record    TEXT NOT NULL
) STRICT;

CREATE TABLE transitions (
    id         INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    dedup_key  TEXT NOT NULL,
    slo        TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    transition TEXT NOT NULL,
    UNIQUE (at, dedup_key, from_state, to_state)
) STRICT;

CREATE TABLE outbox (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    idempotency_key  TEXT NOT NULL UNIQUE,
    receiver         TEXT NOT NULL,
    dedup_key        TEXT NOT NULL,
    episode          INTEGER NOT NULL,
    kind             TEXT NOT NULL CHECK (kind IN ('trigger', 'update', 'resolve')),
    slo              TEXT NOT NULL,
    urgency          INTEGER NOT NULL DEFAULT 0,
    notification     TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    due_at           INTEGER NOT NULL,
    finished_at      INTEGER,
    state            TEXT NOT NULL DEFAULT 'pending',
    attempts         INTEGER NOT NULL DEFAULT 0,
    may_have_arrived INTEGER NOT NULL DEFAULT 0,
    receipt          TEXT,
    CHECK (CASE state
        WHEN 'pending' THEN finished_at IS NULL
        WHEN 'in_flight' THEN finished_at IS NULL
        WHEN 'delivered' THEN finished_at IS NOT NULL
        WHEN 'superseded' THEN finished_at IS NOT NULL
        WHEN 'dead' THEN finished_at IS NOT NULL
        ELSE 0 END)
) STRICT;

CREATE INDEX outbox_due ON outbox (receiver, due_at, id) WHERE finished_at IS NULL;
CREATE INDEX outbox_urgent ON outbox (receiver, urgency, due_at, id) WHERE finished_at IS NULL;
CREATE INDEX outbox_order ON outbox (dedup_key, receiver, id) WHERE finished_at IS NULL;
CREATE INDEX outbox_dead ON outbox (receiver) WHERE state = 'dead';
CREATE INDEX outbox_episode ON outbox (dedup_key, receiver, episode);
CREATE INDEX outbox_created ON outbox (created_at);
CREATE INDEX outbox_finished ON outbox (finished_at);

CREATE TABLE attempts (
    delivery    INTEGER NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    outcome     TEXT NOT NULL,
    error       TEXT,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

PRAGMA application_id = 1936486246;
PRAGMA user_version = 1;

-- The JSON of the engine's values is put in for $ALERT, $TRANSITION, $TRIGGER and $UPDATE.
INSERT INTO alerts VALUES ('slofuse/shop/checkout{region="eu"}/page', '$ALERT');
INSERT INTO transitions VALUES
    (1, 1800000000000, 'slofuse/shop/checkout{region="eu"}/page', 'shop/checkout', 'inactive', 'firing',
     '$TRANSITION');
INSERT INTO outbox (id, idempotency_key, receiver, dedup_key, episode, kind, slo, notification,
    created_at, due_at, finished_at, state, attempts, may_have_arrived, receipt) VALUES
    (1, 'slofuse/shop/checkout{region="eu"}/page#1.1@oncall', 'oncall',
     'slofuse/shop/checkout{region="eu"}/page', 1, 'trigger', 'shop/checkout', '$TRIGGER',
     1800000000000, 1800000000000, 1800000001000, 'delivered', 1, 1, 'C1'),
    (2, 'slofuse/shop/checkout{region="eu"}/page#1.2@oncall', 'oncall',
     'slofuse/shop/checkout{region="eu"}/page', 1, 'update', 'shop/checkout', '$UPDATE',
     1800000030000, 1800000060000, NULL, 'pending', 1, 0, NULL);
INSERT INTO attempts VALUES
    (1, 1, 1800000001000, 1800000001000, 'delivered', NULL),
    (2, 1, 1800000031000, 1800000031000, 'failed', '503 from the receiver');
