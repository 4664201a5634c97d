-- Reads all of asset_definition, asset_state: sums by asset, from where the page begins.
SELECT asset, devices, failing, is_external, group_name, kinds, description, materializations, row_count, at_ms
FROM fleet_asset WHERE (:asset IS NULL OR asset = :asset) AND asset > :after ORDER BY asset LIMIT :limit
