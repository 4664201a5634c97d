SELECT asset, is_external, group_name, kinds, description FROM asset_definition
