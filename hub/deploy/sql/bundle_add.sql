INSERT INTO bundle (hash, made_ms, files, bytes, source) VALUES (:hash, :now, :files, :bytes, :source)
ON CONFLICT (hash) DO UPDATE SET deleted_ms = NULL
