INSERT INTO asset (key, observed_at, observed_version) VALUES (:asset, :at, :data_version)
ON CONFLICT (key) DO UPDATE SET observed_at = excluded.observed_at, observed_version = excluded.observed_version
