UPDATE report_delivery SET settled_ms = due_ms, delivered_for_ms = due_ms, delivered_ms = :now, due_ms = NULL,
    attempts = 0, next_ms = 0, failed_ms = NULL, error = NULL
WHERE report = :report AND cause = :cause AND due_ms = :due
