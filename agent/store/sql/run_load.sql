SELECT id, job, cause, cause_name, selection, status, keys, tags, partition, partition_end, parent, root, backfill,
    priority, retry_number, steps, created_at, not_before
FROM run WHERE id = :run
