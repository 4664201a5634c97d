-- One run: of a device, or of every device that has one of this name.
SELECT device, run, status, job, cause, cause_name, selection, tags, enqueued_ms, started_ms, ended_ms, error, steps,
    succeeded, failed, skipped
FROM run_shown WHERE run = :run AND (:device IS NULL OR device = :device) ORDER BY device LIMIT :limit
