-- Who asked for something, by the name that the audit log has, and of a token with its label: shown where what was asked for
-- is.

ALTER TABLE command ADD COLUMN given_by TEXT;    -- NULL: it is from before, or the hub's own
ALTER TABLE instigator ADD COLUMN command TEXT;  -- that paused or resumed it; NULL: somebody at the device did
ALTER TABLE pool ADD COLUMN paused_by TEXT;
ALTER TABLE pool ADD COLUMN paused_ms INTEGER;

-- What of one device was refused; how much of a day.
CREATE INDEX refusal_of ON refusal (peer, id);
CREATE INDEX refusal_by_time ON refusal (at_ms);
