SELECT id, kind, is_group, subject, opened_ms, told_ms, devices, troubles FROM alert WHERE resolved_ms IS NULL
