INSERT INTO asset_check (asset, name, run, at, passed, severity, metadata)
VALUES (:asset, :check, :run, :at, :passed, :severity, :metadata)
ON CONFLICT (asset, name) DO UPDATE SET run = excluded.run, at = excluded.at, passed = excluded.passed,
    severity = excluded.severity, metadata = excluded.metadata
