INSERT OR REPLACE INTO asset_definition (device, asset, group_name, kinds, tags, owners, checks, description,
    code_version, is_external)
VALUES (:device, :asset, :group, :kinds, :tags, :owners, :checks, :description, :code_version, :external)
