-- Commands: what operators asked of devices and what of it was sent; and the view of what devices answered.

CREATE TABLE command (
    number INTEGER PRIMARY KEY,            -- in the order in which the hub was given them
    id TEXT NOT NULL UNIQUE,               -- UUID, as signed; so are verb, args, counter, issued and expires
    verb TEXT NOT NULL,
    args TEXT,                             -- JSON
    targets TEXT NOT NULL,                 -- as the operator wrote them
    key TEXT NOT NULL,                     -- id of the key that signed
    counter INTEGER NOT NULL,
    issued_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    given_ms INTEGER NOT NULL,             -- when the hub was given it, by the hub's clock
    devices INTEGER NOT NULL CHECK (devices >= 1), -- how many are meant
    at_once INTEGER NOT NULL CHECK (at_once >= 0), -- devices that may work on it at a time; 0 = all
    patience_ms INTEGER NOT NULL CHECK (patience_ms >= 0), -- a device without an end after that gives up its place; 0 = never
    abort_failed INTEGER NOT NULL CHECK (abort_failed >= 0),   -- the hub stops when more than that failed; 0 = never
    abort_percent INTEGER NOT NULL CHECK (abort_percent BETWEEN 0 AND 100), -- the same of those that ended
    withdrawn_ms INTEGER,                  -- the operator, or the hub, sends it to nobody since
    withdrawn_why TEXT,
    is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)), -- there may be something to send
    UNIQUE (key, counter)
) STRICT;
CREATE INDEX command_open ON command (number) WHERE is_open = 1;

-- The signed bytes. One to many devices is several messages of one id and counter, each to some of them.
CREATE TABLE command_message (
    command INTEGER NOT NULL REFERENCES command (number) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (command, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE command_device (
    command INTEGER NOT NULL REFERENCES command (number) ON DELETE CASCADE,
    device TEXT NOT NULL,
    part INTEGER NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0,       -- how often
    sent_ms INTEGER,                       -- when last
    turn_ms INTEGER,                       -- when it got its place, where at_once is not 0
    turn TEXT CHECK (turn IN ('working', 'succeeded', 'failed', 'overdue')), -- NULL = it waits for its turn
    pieces INTEGER NOT NULL DEFAULT 0,     -- of text that came in answer
    is_open INTEGER NOT NULL DEFAULT 1 CHECK (is_open IN (0, 1)), -- it may have to be sent
    PRIMARY KEY (command, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX command_device_open ON command_device (device, command) WHERE is_open = 1;
CREATE INDEX command_device_still_open ON command_device (command) WHERE is_open = 1;
CREATE INDEX command_device_turn ON command_device (command, turn);

-- View, of one stream: how far a backfill of a device is.
CREATE TABLE backfill (
    stream_id INTEGER NOT NULL,
    backfill TEXT NOT NULL,
    status TEXT NOT NULL,                  -- requested, canceling, completed_success, completed_failed, canceled
    command TEXT,                          -- that asked for it
    selection TEXT,
    reason TEXT,
    at_ms INTEGER NOT NULL,                -- of what it said last
    PRIMARY KEY (stream_id, backfill)
) STRICT, WITHOUT ROWID;
CREATE INDEX backfill_by_command ON backfill (command) WHERE command IS NOT NULL;

-- View: the latest that a device said of a command, down to `seq`. A refusal never hides another answer: who has carried
-- it out refuses it when it comes again from a stranger.
CREATE TABLE command_answer (
    command TEXT NOT NULL,
    device TEXT NOT NULL,
    is_taken INTEGER NOT NULL CHECK (is_taken IN (0, 1)), -- not refused
    status TEXT NOT NULL,                  -- received, refused, started, succeeded, failed
    verb TEXT,
    code TEXT,
    reason TEXT,
    key TEXT,                              -- that had signed it
    run TEXT,
    result TEXT,                           -- JSON
    at_ms INTEGER NOT NULL,
    stream_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (command, device)
) STRICT, WITHOUT ROWID;
