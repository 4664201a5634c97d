INSERT INTO asset_partition (asset, partition, materialized_at, run, data_version)
VALUES (:asset, :partition, :at, :run, :data_version)
ON CONFLICT (asset, partition) DO UPDATE SET materialized_at = excluded.materialized_at, run = excluded.run,
    data_version = excluded.data_version, failed_at = NULL, error = ''
