SELECT id, payload, attempts, created_ms FROM alert_message WHERE way = :way AND next_ms <= :now ORDER BY next_ms, id LIMIT 1
