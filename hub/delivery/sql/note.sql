-- What came of the attempt that is under way; before the row of report_delivery is changed.
INSERT INTO report_attempt (report, cause, due_ms, attempt, at_ms, result, error)
SELECT report, cause, due_ms, attempts, :now, :result, :error FROM report_delivery
WHERE report = :report AND cause = :cause AND due_ms = :due
