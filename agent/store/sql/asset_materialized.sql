INSERT INTO asset (key, materialized_at, materialized_run, materializations, metadata)
VALUES (:asset, :at, :run, 1, :metadata)
ON CONFLICT (key) DO UPDATE SET materialized_at = excluded.materialized_at,
    materialized_run = excluded.materialized_run, materializations = materializations + 1,
    metadata = excluded.metadata, failed_at = NULL, error = ''
