INSERT INTO backfill (id, selection, status, created_at, per_run, tags, total)
VALUES (:backfill, :selection, 'requested', :at, :per_run, :tags, :total)
