-- What was said of each opening before it, and what it was.
CREATE TABLE openings (
    -- Without reference: what was said stays when a centre goes.
    centre  TEXT NOT NULL,
    -- Unix milliseconds.
    opening INTEGER NOT NULL,
    -- The verdicts, JSON.
    checks  TEXT NOT NULL,
    -- good, weak or bad; absent until it was compared, and when nobody knows.
    truth   TEXT,
    -- How the verdict of ten minutes before fared: right, too_dark, too_bright, unanswered or unseen; absent until it
    -- was compared.
    score   TEXT,
    PRIMARY KEY (opening, centre)
) STRICT, WITHOUT ROWID;
