UPDATE pool SET is_paused = 0, paused_by = NULL, paused_ms = NULL WHERE name = :name
