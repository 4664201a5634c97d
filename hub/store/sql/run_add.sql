INSERT OR IGNORE INTO run (stream_id, run, status, job, cause, cause_name, selection, tags, steps, enqueued_ms, started_ms,
    ended_ms, error, first_seq, last_seq, backfill, partition, partition_end, partitions)
SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18 FROM given
