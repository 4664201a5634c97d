SELECT asset, cursor, evaluated_at, coalesce(requested_at, 0), run, tree FROM automation WHERE asset = :asset
