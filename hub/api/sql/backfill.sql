SELECT s.device, b.backfill, b.status, b.command, b.selection, b.reason, b.at_ms, b.stream_id, b.partitions, b.first, b.last,
    b.per_run, b.parent, b.begun_ms
FROM stream s JOIN backfill b ON b.stream_id = s.id AND b.backfill = :backfill
WHERE s.device = :device ORDER BY s.first_at_ms DESC LIMIT 1
