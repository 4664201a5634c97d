INSERT INTO asset (key, failed_at, error) VALUES (:asset, :at, :error)
ON CONFLICT (key) DO UPDATE SET failed_at = excluded.failed_at, error = excluded.error
