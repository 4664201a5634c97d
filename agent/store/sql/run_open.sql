SELECT id FROM run WHERE status IN ('queued', 'started') ORDER BY created_at, id
