SELECT opened_ms, resolved_ms, kind, detail, id FROM alert
WHERE subject = :device AND is_group = 0 AND opened_ms <= :until AND (resolved_ms IS NULL OR resolved_ms >= :since)
ORDER BY opened_ms DESC LIMIT :limit
