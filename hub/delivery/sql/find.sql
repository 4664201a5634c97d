SELECT schedule, settled_ms, due_ms, since_ms, attempts, next_ms, delivered_ms, delivered_for_ms, failed_ms, error
FROM report_delivery WHERE report = :report AND cause = :cause
