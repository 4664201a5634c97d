SELECT id, cause, due_ms, attempt, at_ms, result, error FROM report_attempt
WHERE report = :report ORDER BY id DESC LIMIT :limit
