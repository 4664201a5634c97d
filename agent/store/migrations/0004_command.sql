-- Commands of the hub: what was asked for, and what came of it. Of each signer the last ones are remembered, so that none
-- is carried out twice.
CREATE TABLE command (
    number INTEGER PRIMARY KEY, -- the order of arrival
    id TEXT NOT NULL UNIQUE,
    signer TEXT NOT NULL,    -- id of the key
    counter INTEGER NOT NULL, -- of the key
    verb TEXT NOT NULL,
    args TEXT NOT NULL,      -- JSON object; emptied when it has ended
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('received', 'refused', 'started', 'succeeded', 'failed')),
    changed_at INTEGER NOT NULL,
    code TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    run TEXT NOT NULL DEFAULT '', -- that it started: the first of its line
    UNIQUE (signer, counter)
) STRICT;
CREATE INDEX command_open ON command (number) WHERE status IN ('received', 'started');
