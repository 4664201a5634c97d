INSERT INTO asset_partition (asset, partition, materialized_at, run, data_version)
SELECT :asset, value, :at, :run, :data_version FROM json_each(coalesce(:partitions, json_array(:partition))) WHERE true
ON CONFLICT (asset, partition) DO UPDATE SET materialized_at = excluded.materialized_at, run = excluded.run,
    data_version = excluded.data_version, failed_at = NULL, error = ''
