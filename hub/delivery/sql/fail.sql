UPDATE report_delivery SET failed_ms = :now, error = :error,
    settled_ms = CASE WHEN cause = 'asked' THEN due_ms ELSE settled_ms END,
    due_ms = CASE WHEN cause = 'asked' THEN NULL ELSE due_ms END
WHERE report = :report AND cause = :cause AND due_ms = :due
