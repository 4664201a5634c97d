-- What was tried again stands behind what it tries again.
SELECT r.run, r.status, r.partition, r.partition_end, r.partitions, r.enqueued_ms, r.started_ms, r.ended_ms
FROM run r WHERE r.backfill = :backfill AND r.stream_id = :stream
ORDER BY r.partition, r.partition_end, r.run LIMIT 100000
