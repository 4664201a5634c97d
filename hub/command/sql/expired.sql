SELECT number FROM command WHERE is_open = 1 AND expires_ms <= :now LIMIT 100
