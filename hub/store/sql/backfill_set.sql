INSERT INTO backfill (stream_id, backfill, status, command, selection, reason, at_ms)
VALUES (:stream, :backfill, :status, :command, :selection, :reason, :at)
ON CONFLICT (stream_id, backfill) DO UPDATE SET status = excluded.status, command = coalesce(excluded.command, command),
    selection = coalesce(excluded.selection, selection), reason = excluded.reason, at_ms = excluded.at_ms
