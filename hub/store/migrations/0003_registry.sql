-- What the hub itself knows: its fleet, who may join, who is connected. Not derived from events.

CREATE TABLE fleet (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE device (
    id TEXT NOT NULL PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('enrolled', 'revoked')),
    enrolled_ms INTEGER NOT NULL,
    cert_serial TEXT NOT NULL,
    cert_fingerprint TEXT NOT NULL,        -- SHA-256 of the certificate, hex
    key_fingerprint TEXT NOT NULL,         -- SHA-256 of the public key, hex
    not_after_ms INTEGER NOT NULL,
    version TEXT,
    board TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE enrol_token (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash TEXT NOT NULL,             -- SHA-256, hex; the secret itself is never stored
    label TEXT,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    max_uses INTEGER NOT NULL CHECK (max_uses >= 1),
    uses INTEGER NOT NULL DEFAULT 0 CHECK (uses BETWEEN 0 AND max_uses),
    revoked_ms INTEGER,
    last_error TEXT                        -- why it was last refused
) STRICT, WITHOUT ROWID;

-- One per device and key, so that the same request gets the same certificate again.
CREATE TABLE enrolment (
    token_id TEXT NOT NULL REFERENCES enrol_token (id),
    device TEXT NOT NULL,
    key_fingerprint TEXT NOT NULL,
    cert_pem TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (token_id, device, key_fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE connection (
    device TEXT NOT NULL PRIMARY KEY,
    is_online INTEGER NOT NULL CHECK (is_online IN (0, 1)),
    session TEXT,
    since_ms INTEGER NOT NULL,             -- of the present state
    last_seen_ms INTEGER NOT NULL,
    epoch TEXT,                            -- from here on: as the last birth said
    first_seq INTEGER,
    last_seq INTEGER,
    version TEXT,
    board TEXT,
    boot_id TEXT,
    definitions_hash TEXT,
    clock_offset_ms INTEGER,               -- device minus hub
    clock_trusted INTEGER CHECK (clock_trusted IN (0, 1)),
    offline_reason TEXT,
    refusal TEXT,                          -- why something of it was last refused
    refusal_ms INTEGER
) STRICT, WITHOUT ROWID;

-- Who was turned away and why; the newest 10,000.
CREATE TABLE refusal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    peer TEXT NOT NULL,                    -- a device's name, or an address
    what TEXT NOT NULL,                    -- enrolment, events, topic, connection
    why TEXT NOT NULL
) STRICT;
CREATE TRIGGER refusal_is_bounded AFTER INSERT ON refusal
BEGIN
    DELETE FROM refusal WHERE id <= new.id - 10000;
END;
