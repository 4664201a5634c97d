INSERT INTO named_definition (kind, name, device, version, assets) VALUES (:kind, :name, :device, :version, :assets)
ON CONFLICT (kind, name, device) DO UPDATE SET version = excluded.version, assets = excluded.assets
