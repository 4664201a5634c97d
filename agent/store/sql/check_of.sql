SELECT asset, name, passed, severity, run, at, metadata FROM asset_check WHERE asset = :asset ORDER BY name
