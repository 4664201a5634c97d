-- Ids of runs begin with their time: an older one that ran into the span is left out.
SELECT r.run, r.status, coalesce(r.job, r.selection), coalesce(r.started_ms, r.enqueued_ms), r.ended_ms
FROM stream s JOIN run r ON r.stream_id = s.id AND r.run >= printf('%08x-%04x', :since >> 16, :since & 65535)
WHERE s.device = :device AND coalesce(r.started_ms, r.enqueued_ms) BETWEEN :since AND :until ORDER BY r.run DESC LIMIT :limit
