SELECT id, kind, is_group, subject, opened_ms, told_ms, resolved_ms, devices, troubles, detail FROM alert
WHERE :all OR resolved_ms IS NULL ORDER BY resolved_ms IS NOT NULL, id DESC LIMIT :limit
