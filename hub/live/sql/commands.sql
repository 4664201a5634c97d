SELECT id, CASE WHEN withdrawn_ms IS NOT NULL THEN 'withdrawn' WHEN is_open THEN 'open' ELSE 'closed' END, coalesce(withdrawn_ms, 0)
FROM command ORDER BY number DESC LIMIT :limit
