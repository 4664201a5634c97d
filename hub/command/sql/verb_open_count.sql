SELECT count(*) FROM command WHERE is_open = 1 AND verb = :verb
