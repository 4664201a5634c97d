DELETE FROM account_session WHERE account = :account AND hash IS NOT :but
