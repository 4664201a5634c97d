SELECT asset, name, passed, severity, run, at, metadata FROM asset_check ORDER BY asset, name
