DELETE FROM alert WHERE resolved_ms IS NOT NULL AND resolved_ms < :before
