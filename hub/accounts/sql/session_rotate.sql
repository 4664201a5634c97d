UPDATE account_session SET hash = :new WHERE hash = :hash
