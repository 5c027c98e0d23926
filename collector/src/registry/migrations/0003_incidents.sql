-- What the diagnosis said: each incident as it was known last, and all that was said of it.
CREATE TABLE incidents (
    id       TEXT PRIMARY KEY NOT NULL,
    -- Unix milliseconds, as all times here.
    since    INTEGER NOT NULL,
    -- Absent while it is open.
    until    INTEGER,
    -- When something was last said of it.
    told_at  INTEGER NOT NULL,
    -- 1 once people were to be told.
    notified INTEGER NOT NULL,
    -- 1 when something else was said of it before.
    revised  INTEGER NOT NULL,
    -- 1 when late data disproved it.
    withdrawn INTEGER NOT NULL,
    -- JSON.
    incident TEXT NOT NULL
) STRICT;

CREATE INDEX incidents_by_since ON incidents (since);
CREATE INDEX incidents_open ON incidents (id) WHERE until IS NULL;

CREATE TABLE incident_centres (
    -- Without reference: what happened stays when a centre goes.
    centre   TEXT NOT NULL,
    incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    PRIMARY KEY (centre, incident)
) STRICT, WITHOUT ROWID;

CREATE INDEX incident_centres_by_incident ON incident_centres (incident);

CREATE TABLE incident_events (
    number   INTEGER PRIMARY KEY NOT NULL,
    incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    -- JSON.
    event    TEXT NOT NULL
) STRICT;

CREATE INDEX incident_events_by_incident ON incident_events (incident, number);
