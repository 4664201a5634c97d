SELECT s.epoch, g.from_seq, g.seq, g.at_ms, g.reason, g.dropped, s.first_at_ms
FROM stream s JOIN gap g ON g.stream_id = s.id
WHERE s.device = :device AND (s.first_at_ms, s.epoch, g.seq) < (:stream_ms, :epoch, :seq)
ORDER BY s.first_at_ms DESC, s.epoch DESC, g.seq DESC LIMIT :limit
