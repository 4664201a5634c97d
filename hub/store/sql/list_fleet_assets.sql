SELECT asset, devices, failing, is_external, group_name, kinds, description, materializations, row_count, at_ms
FROM fleet_asset WHERE (:asset IS NULL OR asset = :asset) AND asset > :after ORDER BY asset LIMIT :limit
