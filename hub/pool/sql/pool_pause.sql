-- Paused again, it stays whose it was.
UPDATE pool SET paused_by = CASE WHEN is_paused THEN paused_by ELSE :by END,
    paused_ms = CASE WHEN is_paused THEN paused_ms ELSE :now END, is_paused = 1
WHERE name = :name
