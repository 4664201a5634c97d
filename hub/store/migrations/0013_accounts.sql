-- Who may use the hub's web side, and what they did with it. Secrets are stored as hashes only.

CREATE TABLE account (
    name TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    password TEXT NOT NULL,                -- argon2id with its parameters and salt
    created_ms INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,   -- wrong passwords since the last right one
    locked_ms INTEGER NOT NULL DEFAULT 0,  -- no password is looked at until then
    login_ms INTEGER                       -- the last
) STRICT, WITHOUT ROWID;

CREATE TABLE account_session (
    hash TEXT NOT NULL PRIMARY KEY,        -- SHA-256 of what the cookie holds, hex
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    csrf TEXT NOT NULL,
    peer TEXT NOT NULL,                    -- where it was begun from
    created_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX account_session_of ON account_session (account);

CREATE TABLE account_token (
    id TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,             -- SHA-256 of the token, hex
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    label TEXT,
    scope TEXT NOT NULL CHECK (scope IN ('metrics', 'read', 'operate', 'admin')),
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    used_ms INTEGER,
    revoked_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX account_token_of ON account_token (account);

-- The link that sets the first password: one at a time, gone when it was used.
CREATE TABLE account_setup (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    hash TEXT NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT;

-- The newest 100,000.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    account TEXT,                          -- NULL: nobody was logged in
    peer TEXT NOT NULL,
    action TEXT NOT NULL,                  -- login, logout, user.add, command, ...
    subject TEXT,
    result TEXT NOT NULL,                  -- ok, refused, failed
    detail TEXT
) STRICT;
CREATE TRIGGER audit_is_bounded AFTER INSERT ON audit
BEGIN
    DELETE FROM audit WHERE id <= new.id - 100000;
END;

-- What the web side asks of the log by kind; both are small.
CREATE INDEX event_tick ON event (id) WHERE type = 'tick';
CREATE INDEX event_instigator ON event (id) WHERE type = 'instigator';
