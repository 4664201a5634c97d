SELECT id FROM (
    SELECT id, status, output_bytes, sum(output_bytes) OVER (ORDER BY id DESC) AS total FROM run WHERE output_bytes > 0)
WHERE total > :bytes AND status IN ('success', 'failure', 'canceled') ORDER BY id LIMIT :limit
