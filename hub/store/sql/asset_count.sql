INSERT INTO asset_state (device, asset, materializations, failures) VALUES (:device, :asset, :materialized, :failed)
ON CONFLICT (device, asset) DO UPDATE SET
    materializations = materializations + excluded.materializations,
    failures = failures + excluded.failures
