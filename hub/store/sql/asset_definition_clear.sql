DELETE FROM asset_definition WHERE device = :device
