SELECT id FROM run WHERE status NOT IN ('success', 'failure', 'canceled') ORDER BY created_at, id
