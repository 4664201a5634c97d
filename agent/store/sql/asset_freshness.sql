INSERT INTO asset (key, freshness, freshness_at) VALUES (:asset, :state, :at)
ON CONFLICT (key) DO UPDATE SET freshness = excluded.freshness, freshness_at = excluded.freshness_at
