SELECT id FROM (
    SELECT id, ended_at, row_number() OVER (ORDER BY id DESC) AS place
    FROM run WHERE status IN ('success', 'failure', 'canceled'))
WHERE place > :keep OR (place > :newest AND ended_at < :before) ORDER BY id LIMIT :limit
