-- What pages ask that the hub did not keep, or could not find.

-- Who asked for something, by the name that the audit log has, and of a token with its label: shown where what was asked for
-- is.
ALTER TABLE command ADD COLUMN given_by TEXT;    -- NULL: it is from before, or the hub's own
ALTER TABLE instigator ADD COLUMN command TEXT;  -- that paused or resumed it; NULL: somebody at the device did
ALTER TABLE pool ADD COLUMN paused_by TEXT;
ALTER TABLE pool ADD COLUMN paused_ms INTEGER;

-- What of one device was refused; how much of a day.
CREATE INDEX refusal_of ON refusal (peer, id);
CREATE INDEX refusal_by_time ON refusal (at_ms);

-- Runs whose begin is lost: few, and what their steps were may be told by what they made alone.
CREATE INDEX run_cut ON run (run) WHERE enqueued_ms IS NULL;
-- Where in its stream the events of a run stand. `has_lost`: some of them may never come.
CREATE VIEW run_span AS
SELECT r.stream_id, r.run,
    CASE WHEN r.enqueued_ms IS NOT NULL THEN r.first_seq
        ELSE coalesce((SELECT max(g.seq) FROM gap g WHERE g.stream_id = r.stream_id AND g.seq < r.first_seq), 0) END AS from_seq,
    CASE WHEN r.ended_ms IS NULL THEN 9223372036854775807 ELSE r.last_seq END AS to_seq,
    r.ended_ms IS NULL AS is_open,
    r.enqueued_ms IS NULL OR EXISTS (SELECT 1 FROM gap g WHERE g.stream_id = r.stream_id AND g.seq > r.first_seq
        AND (r.ended_ms IS NULL OR g.seq <= r.last_seq)) AS has_lost
FROM run r;
