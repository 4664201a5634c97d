DELETE FROM account_session WHERE expires_ms <= :now OR seen_ms <= :idle
