INSERT INTO desired_document (name, priority, target, content, set_ms) VALUES (:name, :priority, :target, :content, :now)
ON CONFLICT (name) DO UPDATE SET priority = excluded.priority, target = excluded.target, content = excluded.content,
    set_ms = excluded.set_ms
