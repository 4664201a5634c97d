SELECT number FROM command WHERE is_open = 1 AND withdrawn_ms IS NULL AND verb = :verb LIMIT 1
