UPDATE account_session SET seen_ms = :now WHERE hash = :hash
