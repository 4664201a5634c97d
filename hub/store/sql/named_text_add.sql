INSERT OR IGNORE INTO named_text (version, body) VALUES (:version, :body)
