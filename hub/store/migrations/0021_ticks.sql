-- Ticks of one schedule by time, and of one device, without reading those of all others.
DROP TABLE tick_history;
CREATE TABLE tick_history (
    stream_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (stream_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX tick_history_by_time ON tick_history (kind, name, at_ms);

-- Most steps are in it for a moment, and out of it again: a seventh of the time that a merge takes. The runs that they
-- belong to are few, and found by run_not_success.
DROP INDEX step_not_well;
