INSERT INTO run (stream_id, run, status, job, cause, cause_name, selection, tags, steps, enqueued_ms, started_ms,
    ended_ms, error, first_seq, last_seq, backfill, partition, partition_end, partitions)
VALUES (:stream, :run, :status, :job, :cause, :cause_name, :selection, :tags, :steps, :enqueued, :started,
    :ended, :error, :first, :last, :backfill, :partition, :partition_end, :partitions)
ON CONFLICT (stream_id, run) DO UPDATE SET
    status = excluded.status,
    job = coalesce(excluded.job, job),
    cause = coalesce(excluded.cause, cause),
    cause_name = coalesce(excluded.cause_name, cause_name),
    selection = coalesce(excluded.selection, selection),
    tags = coalesce(excluded.tags, tags),
    steps = coalesce(excluded.steps, steps),
    enqueued_ms = coalesce(excluded.enqueued_ms, enqueued_ms),
    started_ms = coalesce(excluded.started_ms, started_ms),
    ended_ms = excluded.ended_ms,
    error = excluded.error,
    last_seq = excluded.last_seq,
    backfill = coalesce(excluded.backfill, backfill),
    partition = coalesce(excluded.partition, partition),
    partition_end = coalesce(excluded.partition_end, partition_end),
    partitions = coalesce(excluded.partitions, partitions)
