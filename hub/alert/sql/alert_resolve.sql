UPDATE alert SET resolved_ms = :now WHERE id = :id
