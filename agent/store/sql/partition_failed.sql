INSERT INTO asset_partition (asset, partition, failed_at, error) VALUES (:asset, :partition, :at, :error)
ON CONFLICT (asset, partition) DO UPDATE SET failed_at = excluded.failed_at, error = excluded.error
