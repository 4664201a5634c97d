UPDATE report_delivery SET settled_ms = due_ms, due_ms = NULL, failed_ms = :now,
    error = 'the hub was started anew meanwhile; whether it was delivered is not known'
WHERE cause = 'asked' AND due_ms IS NOT NULL AND attempts > 0
