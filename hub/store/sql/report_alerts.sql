-- That somebody was told of: open ones, and those that began or ended in [:since, :until).
SELECT id, kind, is_group, subject, opened_ms, told_ms, resolved_ms, devices, troubles, detail FROM alert
WHERE told_ms > 0 AND opened_ms < :until AND (resolved_ms IS NULL OR resolved_ms >= :since)
ORDER BY resolved_ms IS NOT NULL, opened_ms DESC, id DESC
