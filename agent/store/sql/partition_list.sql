SELECT partition, materialized_at, run, data_version, failed_at, error FROM asset_partition
WHERE asset = :asset ORDER BY partition
