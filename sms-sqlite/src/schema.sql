-- Format 1. Everything that a person may want to look at is text; times are milliseconds since
-- 1970-01-01T00:00:00Z; the view `messages` shows them as dates.

-- What was asked for. Never changes.
CREATE TABLE message (
    -- Messages in the order of acceptance: accepted_at * 32768, counted up within a millisecond.
    seq         INTEGER PRIMARY KEY,
    -- Messages stored one after the other share a bucket, 2048 at most: see the index.
    bucket      INTEGER NOT NULL,
    id          BLOB    NOT NULL UNIQUE,
    tenant      TEXT    NOT NULL,
    recipient   TEXT    NOT NULL,
    sender      TEXT,
    text        TEXT    NOT NULL,
    encoding    TEXT    NOT NULL,
    segments    INTEGER NOT NULL,
    priority    TEXT    NOT NULL,
    on_unknown  TEXT    NOT NULL,
    route       TEXT    NOT NULL,
    callback    BLOB    NOT NULL,
    accepted_at INTEGER NOT NULL,
    send_at     INTEGER,
    expires_at  INTEGER NOT NULL,
    fingerprint BLOB
) STRICT;
-- The bucket keeps what changes together. Look in each: min(bucket) to max(bucket).
CREATE INDEX message_recipient ON message (bucket, recipient);
-- An installation with one tenant does not pay for the index.
CREATE INDEX message_tenant ON message (tenant) WHERE tenant <> 'default';

-- What has become of it. Apart from the request, so that a change does not write the text again.
CREATE TABLE progress (
    seq         INTEGER PRIMARY KEY,
    version     INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    ready_at    INTEGER,
    deadline    INTEGER,
    finished_at INTEGER,
    ending      TEXT,
    attempts    TEXT    NOT NULL,
    reports     TEXT    NOT NULL,
    timeline    TEXT    NOT NULL
) STRICT;
CREATE INDEX progress_deadline ON progress (deadline) WHERE deadline IS NOT NULL;
CREATE INDEX progress_finished ON progress (finished_at) WHERE finished_at IS NOT NULL;
-- The states that are rare among many messages, and looked for.
-- (Comparisons, because SQLite makes a temporary table of a list each time that it looks.)
CREATE INDEX progress_unusual ON progress (state)
    WHERE state <> 'queued' AND state <> 'sending' AND state <> 'sent' AND state <> 'delivered';

-- The ids that providers gave.
CREATE TABLE provider_id (
    provider    TEXT    NOT NULL,
    provider_id TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    PRIMARY KEY (provider, provider_id)
) STRICT, WITHOUT ROWID;

-- Reports whose message is not known yet.
CREATE TABLE parked (
    number        INTEGER PRIMARY KEY,
    provider      TEXT    NOT NULL,
    provider_id   TEXT    NOT NULL,
    look_again_at INTEGER NOT NULL,
    report        TEXT    NOT NULL
) STRICT;
CREATE INDEX parked_key ON parked (provider, provider_id);
CREATE INDEX parked_due ON parked (look_again_at);

-- How many messages are in each state; kept in the transactions that change them.
CREATE TABLE state_count (
    state TEXT    PRIMARY KEY,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- For people.
CREATE VIEW messages AS
SELECT
    lower(substr(hex(m.id), 1, 8) || '-' || substr(hex(m.id), 9, 4) || '-' || substr(hex(m.id), 13, 4)
        || '-' || substr(hex(m.id), 17, 4) || '-' || substr(hex(m.id), 21)) AS id,
    m.tenant,
    m.recipient,
    m.sender,
    m.text,
    p.state,
    strftime('%Y-%m-%dT%H:%M:%fZ', m.accepted_at / 1000.0, 'unixepoch') AS accepted_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', p.finished_at / 1000.0, 'unixepoch') AS finished_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', p.deadline / 1000.0, 'unixepoch') AS deadline,
    json_array_length(p.attempts) AS attempts,
    json_extract(p.attempts, '$[#-1].outcome') AS last_outcome,
    json_extract(p.attempts, '$[#-1].code') AS last_code,
    json_extract(p.attempts, '$[#-1].provider_id') AS provider_id,
    json_array_length(p.reports) AS reports,
    m.priority,
    m.encoding,
    m.segments,
    m.route,
    strftime('%Y-%m-%dT%H:%M:%fZ', m.send_at / 1000.0, 'unixepoch') AS send_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', m.expires_at / 1000.0, 'unixepoch') AS expires_at,
    p.version,
    m.seq
FROM message AS m
JOIN progress AS p ON p.seq = m.seq;
