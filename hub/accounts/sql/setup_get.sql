SELECT hash FROM account_setup WHERE expires_ms > :now
