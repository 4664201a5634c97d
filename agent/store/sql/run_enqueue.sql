INSERT INTO run (id, job, cause, cause_name, selection, status, steps, created_at, first_seq, last_seq, keys, tags,
    priority, partition, partition_end, parent, root, retry_number, not_before, backfill)
VALUES (:run, :job, :cause, :cause_name, :selection, 'queued', :steps, :at, :seq, :seq, :keys, :tags,
    :priority, :partition, :partition_end, :parent, :root, :retry_number, :not_before, :backfill)
