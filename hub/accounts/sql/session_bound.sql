DELETE FROM account_session WHERE account = :account AND hash IN (
    SELECT hash FROM account_session WHERE account = :account ORDER BY seen_ms DESC LIMIT -1 OFFSET :keep)
