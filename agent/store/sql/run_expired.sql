SELECT id FROM run WHERE status NOT IN ('queued', 'started') ORDER BY id DESC LIMIT -1 OFFSET :keep
