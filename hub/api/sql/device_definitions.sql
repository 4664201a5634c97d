-- Every set of definitions that a device had, newest first.
SELECT h.stream_id, h.seq, h.hash, h.at_ms, s.first_at_ms, s.epoch,
    (SELECT (d.epoch, d.seq) = (s.epoch, h.seq) FROM definitions d WHERE d.device = :device)
FROM stream s JOIN definitions_history h ON h.stream_id = s.id
WHERE s.device = :device AND (s.first_at_ms, s.epoch, h.seq) < (:stream_ms, :epoch, :seq)
ORDER BY s.first_at_ms DESC, s.epoch DESC, h.seq DESC LIMIT :limit
