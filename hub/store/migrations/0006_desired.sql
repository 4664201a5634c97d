-- Desired state: what operators want of devices. docs/reference/desired-state.md

CREATE TABLE desired_document (
    name TEXT NOT NULL PRIMARY KEY,
    priority INTEGER NOT NULL,             -- the last wins: by priority, then by name
    target TEXT NOT NULL,                  -- hub/fleet/targets.h
    content TEXT NOT NULL,                 -- schedules, pauses and settings as one JSON object
    set_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What all documents together come to for a device: its newest revision. A row stays when no document means the device
-- any more: its revisions rise for ever.
CREATE TABLE desired_device (
    device TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL CHECK (revision > 0),
    content_hash TEXT NOT NULL,            -- of what is wanted, whatever its number
    body TEXT NOT NULL,                    -- what is signed
    hash TEXT NOT NULL,                    -- of the body, as the device tells it
    conflicts TEXT NOT NULL,               -- one a line; empty = none
    message BLOB,                          -- signed; NULL: it waits for a signature
    issued_ms INTEGER NOT NULL,
    sent_ms INTEGER                        -- NULL: the broker is to get it
) STRICT;
CREATE INDEX desired_unsent ON desired_device (device) WHERE sent_ms IS NULL;

-- Devices that said a revision that this hub does not know of: it was put back to an earlier state, or is another one.
CREATE TABLE desired_seen (
    device TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL              -- the next is higher
) STRICT, WITHOUT ROWID;

-- Counts what may change what is wanted, so that nothing is put together in vain. Whoever adds to it: a trigger like these.
CREATE TABLE desired_change (id INTEGER PRIMARY KEY CHECK (id = 1), n INTEGER NOT NULL) STRICT;
INSERT INTO desired_change (id, n) VALUES (1, 1);
CREATE TRIGGER desired_document_added AFTER INSERT ON desired_document BEGIN UPDATE desired_change SET n = n + 1; END;
CREATE TRIGGER desired_document_changed AFTER UPDATE ON desired_document BEGIN UPDATE desired_change SET n = n + 1; END;
CREATE TRIGGER desired_document_removed AFTER DELETE ON desired_document BEGIN UPDATE desired_change SET n = n + 1; END;
CREATE TRIGGER desired_label_added AFTER INSERT ON device_label BEGIN UPDATE desired_change SET n = n + 1; END;
CREATE TRIGGER desired_label_changed AFTER UPDATE ON device_label BEGIN UPDATE desired_change SET n = n + 1; END;
CREATE TRIGGER desired_label_removed AFTER DELETE ON device_label BEGIN UPDATE desired_change SET n = n + 1; END;

-- A view: what the device said last.
CREATE TABLE device_desired (
    device TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,             -- that it is about; 0: it could not be read
    status TEXT NOT NULL,                  -- applied, degraded, refused
    reason TEXT,
    applied INTEGER NOT NULL,              -- the one in force; 0 = none
    hash TEXT,                             -- of the body in force
    at_ms INTEGER NOT NULL,
    stream_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
