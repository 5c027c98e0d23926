-- Times are Unix milliseconds. Ids are slugs; they are checked before they get here.

CREATE TABLE centres (
    id        TEXT PRIMARY KEY NOT NULL,
    name      TEXT NOT NULL,
    area      TEXT,
    isp       TEXT,
    latitude  REAL,
    longitude REAL,
    -- Both or neither, spelled as in the centres file.
    hours     TEXT,
    days      TEXT,
    notes     TEXT
) STRICT;

-- Rows are never deleted: a revoked key must stay known to stay refused.
CREATE TABLE agents (
    id                TEXT PRIMARY KEY NOT NULL,
    centre            TEXT NOT NULL REFERENCES centres (id),
    device            TEXT NOT NULL,
    kind              TEXT NOT NULL,
    hostname          TEXT NOT NULL,
    os                TEXT NOT NULL,
    arch              TEXT NOT NULL,
    version           TEXT NOT NULL,
    -- SHA-256 of the SubjectPublicKeyInfo.
    key_hash          BLOB NOT NULL UNIQUE,
    enrolled_at       INTEGER NOT NULL,
    certificate_until INTEGER NOT NULL,
    revoked_at        INTEGER,
    last_seen         INTEGER,
    goodbye           INTEGER NOT NULL DEFAULT 0
) STRICT;

-- A name is free again once its agent is revoked.
CREATE UNIQUE INDEX agents_by_device ON agents (centre, device) WHERE revoked_at IS NULL;

CREATE TABLE tokens (
    -- SHA-256 of the secret, which is stored nowhere.
    hash       BLOB PRIMARY KEY NOT NULL,
    centre     TEXT NOT NULL REFERENCES centres (id),
    -- The device that enrols with it, when the administrator named one.
    device     TEXT,
    reusable   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- The key that used a token up.
    used_by    BLOB
) STRICT;
