-- Bundles: what became of each, and which one is in force.
CREATE TABLE bundle (
    hash TEXT NOT NULL PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('fetching', 'applied', 'healthy', 'failed', 'rolled_back', 'left')),
    reason TEXT NOT NULL DEFAULT '',
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bundle_place (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    current TEXT NOT NULL,                 -- '' = the local file
    previous TEXT NOT NULL,
    starts INTEGER NOT NULL DEFAULT 0      -- of the agent since the last event about a bundle
) STRICT;
INSERT INTO bundle_place (id, current, previous) VALUES (1, '', '');
