SELECT name, priority, target, content, set_ms FROM desired_document ORDER BY priority, name
