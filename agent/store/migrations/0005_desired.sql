-- What the hub wants of this device (common/wire/desired.h): the revision in force, for ever, and the newest that was
-- refused, which is tried again when the definitions change. Written with the event that tells it.
CREATE TABLE desired (
    slot TEXT PRIMARY KEY CHECK (slot IN ('applied', 'refused')),
    revision INTEGER NOT NULL CHECK (revision > 0),
    body TEXT NOT NULL, -- what was signed
    status TEXT NOT NULL CHECK (status IN ('applied', 'degraded', 'refused')),
    reason TEXT NOT NULL,
    at INTEGER NOT NULL -- when it came to this, ns
) STRICT, WITHOUT ROWID;
