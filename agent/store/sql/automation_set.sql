INSERT INTO automation (asset, cursor, evaluated_at, requested, run, tree)
VALUES (:asset, :cursor, :at, :requested, :run, :tree)
ON CONFLICT (asset) DO UPDATE SET cursor = excluded.cursor, evaluated_at = excluded.evaluated_at,
    requested = excluded.requested, run = excluded.run, tree = excluded.tree
