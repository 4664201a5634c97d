INSERT INTO asset_partition (asset, partition, materialized_at, materialized_seq, run, data_version)
SELECT :asset, value, :at, :seq, :run, :data_version
FROM json_each(coalesce(:partitions, json_array(:partition))) WHERE true
ON CONFLICT (asset, partition) DO UPDATE SET materialized_at = excluded.materialized_at,
    materialized_seq = excluded.materialized_seq, run = excluded.run, data_version = excluded.data_version,
    failed_at = NULL, error = ''
