SELECT kind, opened_ms, detail FROM alert WHERE resolved_ms IS NULL AND is_group = 0 AND subject = :device ORDER BY opened_ms, id
