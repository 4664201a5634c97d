SELECT id, job, cause, cause_name, selection, status, '', tags, partition, partition_end, parent, root, backfill,
    priority, retry_number, steps, created_at, not_before
FROM run WHERE status NOT IN ('success', 'failure', 'canceled') ORDER BY created_at, first_seq LIMIT :limit
