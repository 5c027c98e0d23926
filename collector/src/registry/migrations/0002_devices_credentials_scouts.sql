-- What cannot run an agent, how it is asked, by whom, and what is known of it.

CREATE TABLE credentials (
    name   TEXT PRIMARY KEY NOT NULL,
    -- The one centre that may use it; absent for all.
    centre TEXT REFERENCES centres (id),
    -- How to ask, secrets and all, readable with the key beside this file alone.
    sealed BLOB NOT NULL,
    set_at INTEGER NOT NULL
) STRICT;

-- No name is that of an agent which is not revoked.
CREATE TABLE devices (
    centre      TEXT NOT NULL REFERENCES centres (id),
    device      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    -- found, approved, ignored
    status      TEXT NOT NULL,
    address     TEXT NOT NULL,
    credential  TEXT REFERENCES credentials (name),
    -- Port and path.
    ipp         TEXT,
    -- What it is recognised by.
    serial      TEXT,
    mac         TEXT,
    -- As its owner called it.
    name        TEXT,
    found_at    INTEGER NOT NULL,
    approved_at INTEGER,
    last_seen   INTEGER,
    PRIMARY KEY (centre, device)
) STRICT;

-- What machines and devices said of themselves last. Empty for what they did not say.
CREATE TABLE inventory (
    centre   TEXT NOT NULL REFERENCES centres (id),
    device   TEXT NOT NULL,
    vendor   TEXT NOT NULL,
    model    TEXT NOT NULL,
    serial   TEXT NOT NULL,
    os       TEXT NOT NULL,
    firmware TEXT NOT NULL,
    noted_at INTEGER NOT NULL,
    PRIMARY KEY (centre, device)
) STRICT;

CREATE TABLE events (
    id     INTEGER PRIMARY KEY NOT NULL,
    centre TEXT NOT NULL REFERENCES centres (id),
    device TEXT NOT NULL,
    at     INTEGER NOT NULL,
    what   TEXT NOT NULL,
    before TEXT NOT NULL,
    after  TEXT NOT NULL
) STRICT;

CREATE INDEX events_by_device ON events (centre, device, id);

-- Whose word on a centre's devices counted when.
CREATE TABLE scouts (
    centre TEXT NOT NULL REFERENCES centres (id),
    agent  TEXT NOT NULL REFERENCES agents (id),
    since  INTEGER NOT NULL,
    -- Absent for the present one.
    until  INTEGER
) STRICT;

CREATE UNIQUE INDEX scouts_now ON scouts (centre) WHERE until IS NULL;
