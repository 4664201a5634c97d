-- What a run is told when it is not enqueued; most are there. The indexes of what it was enqueued with are not touched.
UPDATE run SET status = :status, started_ms = coalesce(:started, started_ms), ended_ms = :ended, error = :error, last_seq = :last
WHERE stream_id = :stream AND run = :run
