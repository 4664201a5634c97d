INSERT INTO asset_partition (asset, partition, failed_at, error)
SELECT :asset, value, :at, :error FROM json_each(coalesce(:partitions, json_array(:partition))) WHERE true
ON CONFLICT (asset, partition) DO UPDATE SET failed_at = excluded.failed_at, error = excluded.error
