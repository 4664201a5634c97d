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
CREATE INDEX tick_history_of_stream ON tick_history (kind, name, stream_id, at_ms);
