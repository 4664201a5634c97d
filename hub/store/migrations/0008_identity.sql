-- Enrolment beyond tokens, renewed and revoked certificates.

-- A device has more states than it had, and a name that people may change.
CREATE TABLE device_now (
    id TEXT NOT NULL PRIMARY KEY,          -- stands in topics, certificates and the log; never changes
    display_name TEXT UNIQUE,              -- what people call it, when that is another name
    status TEXT NOT NULL CHECK (status IN ('enrolled', 'replacing', 'revoked', 'decommissioned')),
    status_ms INTEGER NOT NULL,            -- since when
    status_reason TEXT,
    enrolled_ms INTEGER NOT NULL,
    cert_serial TEXT NOT NULL,             -- of its newest certificate
    cert_fingerprint TEXT NOT NULL,        -- SHA-256 of the certificate, hex
    key_fingerprint TEXT NOT NULL,         -- SHA-256 of the public key, hex
    not_after_ms INTEGER NOT NULL,
    version TEXT,
    board TEXT,
    serial_number TEXT                     -- of the hardware, as it said
) STRICT, WITHOUT ROWID;
INSERT INTO device_now (id, status, status_ms, enrolled_ms, cert_serial, cert_fingerprint, key_fingerprint, not_after_ms, version, board)
    SELECT id, status, enrolled_ms, enrolled_ms, cert_serial, cert_fingerprint, key_fingerprint, not_after_ms, version, board FROM device;
DROP TABLE device;
ALTER TABLE device_now RENAME TO device;

-- What a device gets that joins with the token, and what it may be called.
ALTER TABLE enrol_token ADD COLUMN name_pattern TEXT;
ALTER TABLE enrol_token ADD COLUMN replaces TEXT; -- the device whose hardware it replaces
CREATE TABLE enrol_token_label (
    token_id TEXT NOT NULL REFERENCES enrol_token (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (token_id, key)
) STRICT, WITHOUT ROWID;

-- Certificates that were issued, newest last; those of a device beyond the newest eight are dropped once they have expired.
CREATE TABLE certificate (
    serial TEXT NOT NULL PRIMARY KEY,      -- hex
    device TEXT NOT NULL,
    key_fingerprint TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('enrolled', 'renewed', 'recovered')),
    issued_ms INTEGER NOT NULL,
    not_after_ms INTEGER NOT NULL,
    revoked_ms INTEGER,
    pem TEXT                               -- so that the same key gets the same one again
) STRICT, WITHOUT ROWID;
CREATE INDEX certificate_of_device ON certificate (device, issued_ms);
INSERT INTO certificate (serial, device, key_fingerprint, fingerprint, cause, issued_ms, not_after_ms, revoked_ms)
    SELECT cert_serial, id, key_fingerprint, cert_fingerprint, 'enrolled', enrolled_ms, not_after_ms,
        CASE status WHEN 'revoked' THEN status_ms END
    FROM device;

-- Hosts that asked to join without a token and wait for a person's word. Bounded; who asks no more is forgotten.
CREATE TABLE pending_enrolment (
    key_fingerprint TEXT NOT NULL PRIMARY KEY,
    device TEXT NOT NULL,                  -- the name asked for
    status TEXT NOT NULL CHECK (status IN ('waiting', 'accepted', 'rejected')),
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    serial_number TEXT,
    version TEXT,
    board TEXT
) STRICT, WITHOUT ROWID;

-- Hardware that may join by its serial number. The first key that comes with it is the only one.
CREATE TABLE preauthorisation (
    serial_number TEXT NOT NULL PRIMARY KEY,
    device TEXT NOT NULL UNIQUE,
    labels TEXT NOT NULL,                  -- "line=2 site=berlin"
    added_ms INTEGER NOT NULL,
    key_fingerprint TEXT,                  -- of who came first
    used_ms INTEGER
) STRICT, WITHOUT ROWID;
