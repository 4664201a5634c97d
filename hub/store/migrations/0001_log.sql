-- The event log: what every device said, once, for ever. Everything in 0002_views.sql is derived from it.
-- Times are milliseconds since 1970 UTC.

-- One per database that a device ever had. Streams of one device are ordered by (first_at_ms, epoch).
CREATE TABLE stream (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    epoch TEXT NOT NULL CHECK (length(epoch) = 16),
    first_at_ms INTEGER NOT NULL,          -- `at` of its first event here
    merged_seq INTEGER NOT NULL CHECK (merged_seq >= 1),
    received_ms INTEGER NOT NULL,          -- when the newest was received, by the hub's clock
    UNIQUE (device, epoch)
) STRICT;

-- Append-only. Within a stream the rows cover 1..merged_seq without a hole: a buffer_gap covers from_seq..seq.
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL,            -- a stream's id; merge makes it first
    seq INTEGER NOT NULL CHECK (seq >= 1),
    from_seq INTEGER CHECK (from_seq BETWEEN 1 AND seq), -- of a buffer_gap, without what was merged before it; else NULL
    type TEXT NOT NULL,
    at_ms INTEGER NOT NULL,                -- the device's clock; may be wrong
    received_ms INTEGER NOT NULL,          -- the hub's clock
    body TEXT NOT NULL,                    -- the line as it came
    UNIQUE (stream_id, seq)
) STRICT;
