INSERT INTO backfill (id, selection, status, created_at, per_run, runs_max, newest_first, leg, after, tags, total)
VALUES (:backfill, :selection, 'requested', :at, :per_run, :runs_max, :newest_first, :leg, :after, :tags, :total)
ON CONFLICT (id) DO NOTHING
