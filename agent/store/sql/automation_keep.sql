INSERT INTO automation (asset, cursor, evaluated_at) VALUES (:asset, :cursor, :at)
ON CONFLICT (asset) DO UPDATE SET cursor = excluded.cursor, evaluated_at = excluded.evaluated_at
