SELECT id, selection, status, after, tags, reason, per_run, runs_max, newest_first, leg, total, created_at, ended_at,
    (SELECT count(*) FROM backfill_part p WHERE p.backfill = b.id)
FROM backfill b WHERE status IN ('requested', 'canceling') ORDER BY created_at, leg, id LIMIT :limit
