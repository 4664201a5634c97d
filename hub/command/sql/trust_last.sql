SELECT coalesce(max(issued_ms), 0) FROM command WHERE verb = 'trust'
