INSERT INTO named_definition (kind, name, device, version, assets) VALUES (:kind, :name, :device, '', 1)
ON CONFLICT (kind, name, device) DO UPDATE SET assets = assets + 1
