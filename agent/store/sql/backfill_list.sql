SELECT id, selection, status, after, tags, reason, per_run, runs_max, newest_first, leg, total, created_at, ended_at,
    (SELECT count(*) FROM backfill_part p WHERE p.backfill = b.id),
    (SELECT count(*) FROM backfill_part p WHERE p.backfill = b.id AND p.status = 'waiting'),
    (SELECT count(*) FROM backfill_part p WHERE p.backfill = b.id AND p.status = 'requested'),
    (SELECT count(*) FROM backfill_part p WHERE p.backfill = b.id AND p.status = 'success'),
    (SELECT count(*) FROM backfill_part p WHERE p.backfill = b.id AND p.status = 'failure'),
    (SELECT count(*) FROM backfill_part p WHERE p.backfill = b.id AND p.status = 'canceled')
FROM backfill b WHERE :backfill IS NULL OR id = :backfill ORDER BY created_at DESC, leg DESC, id DESC LIMIT :limit
