SELECT name, priority, target, content, set_ms FROM desired_document WHERE name = :name
