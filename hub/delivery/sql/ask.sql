INSERT INTO report_delivery (report, cause, schedule, settled_ms, due_ms, since_ms) VALUES (:report, 'asked', '', 0, :due, :due)
ON CONFLICT (report, cause) DO UPDATE SET due_ms = excluded.due_ms, since_ms = excluded.since_ms, attempts = 0, next_ms = 0,
    failed_ms = NULL, error = NULL
WHERE due_ms IS NULL OR since_ms < :stale
