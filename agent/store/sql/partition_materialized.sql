INSERT INTO asset_partition (asset, partition, materialized_at, materialized_seq, run, data_version)
VALUES (:asset, :partition, :at, :seq, :run, :data_version)
ON CONFLICT (asset, partition) DO UPDATE SET materialized_at = excluded.materialized_at,
    materialized_seq = excluded.materialized_seq, run = excluded.run, data_version = excluded.data_version,
    failed_at = NULL, error = ''
