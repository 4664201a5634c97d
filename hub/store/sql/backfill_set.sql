INSERT INTO backfill (stream_id, backfill, status, command, selection, reason, at_ms, partitions, first, last, per_run, parent, begun_ms)
VALUES (:stream, :backfill, :status, :command, :selection, :reason, :at, :partitions, :first, :last, :per_run, :parent, :at)
ON CONFLICT (stream_id, backfill) DO UPDATE SET status = excluded.status, command = coalesce(excluded.command, command),
    selection = coalesce(excluded.selection, selection), reason = excluded.reason, at_ms = excluded.at_ms,
    partitions = coalesce(excluded.partitions, partitions), first = coalesce(excluded.first, first),
    last = coalesce(excluded.last, last), per_run = coalesce(excluded.per_run, per_run),
    parent = coalesce(excluded.parent, parent)
