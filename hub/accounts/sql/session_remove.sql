DELETE FROM account_session WHERE hash = :hash
