SELECT s.device, b.backfill, b.status, b.command, b.selection, b.reason, b.at_ms FROM backfill b JOIN stream s ON s.id = b.stream_id
WHERE (:device IS NULL OR s.device = :device) AND (:status IS NULL OR b.status = :status)
ORDER BY b.at_ms DESC, s.device, b.backfill LIMIT 100000
