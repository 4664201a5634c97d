INSERT INTO automation (asset, cursor, evaluated_at, requested_at, run, tree)
VALUES (:asset, :cursor, :at, :at, :run, :tree)
ON CONFLICT (asset) DO UPDATE SET cursor = excluded.cursor, evaluated_at = excluded.evaluated_at,
    requested_at = excluded.requested_at, run = excluded.run, tree = excluded.tree
