INSERT INTO report_attempt (report, cause, due_ms, attempt, at_ms, result, error)
SELECT report, cause, due_ms, attempts, :now, 'failed', 'the hub was started anew meanwhile; whether it was delivered is not known'
FROM report_delivery WHERE cause = 'asked' AND due_ms IS NOT NULL AND attempts > 0
