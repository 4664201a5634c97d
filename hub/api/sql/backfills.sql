SELECT s.device, b.backfill, b.status, b.command, b.selection, b.reason, b.at_ms, b.stream_id, b.partitions, b.first, b.last,
    b.per_run, b.parent, b.begun_ms
FROM backfill b JOIN stream s ON s.id = b.stream_id
WHERE (:device IS NULL OR s.device = :device) AND (:status IS NULL OR b.status = :status)
    AND b.at_ms <= :at AND (b.at_ms, b.stream_id, b.backfill) < (:at, :stream, :backfill)
ORDER BY b.at_ms DESC, b.stream_id DESC, b.backfill DESC LIMIT :limit
