SELECT id FROM run WHERE status IN ('success', 'failure', 'canceled') ORDER BY id DESC LIMIT -1 OFFSET :keep
