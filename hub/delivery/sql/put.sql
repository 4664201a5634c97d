-- Nothing when somebody else has changed it since it was read.
INSERT INTO report_delivery (report, cause, schedule, settled_ms, due_ms, since_ms, attempts, next_ms)
VALUES (:report, :cause, :schedule, :settled, :due, :since, :attempts, :next)
ON CONFLICT (report, cause) DO UPDATE SET
    schedule = excluded.schedule, settled_ms = excluded.settled_ms, due_ms = excluded.due_ms, since_ms = excluded.since_ms,
    attempts = excluded.attempts, next_ms = excluded.next_ms
WHERE settled_ms = :was_settled AND due_ms IS :was_due
