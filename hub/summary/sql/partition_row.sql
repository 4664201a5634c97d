SELECT is_made, at_ms FROM asset_partition WHERE asset = :asset AND device = :device AND first = :key AND last = :key
