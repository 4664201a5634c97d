SELECT id, status, wave * 1000003 + coalesce(settled_ms, 0) + coalesce(ended_ms, 0) FROM deployment ORDER BY made_ms DESC LIMIT :limit
