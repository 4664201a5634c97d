INSERT OR IGNORE INTO asset_text (version, body) VALUES (:version, :body)
