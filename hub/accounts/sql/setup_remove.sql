DELETE FROM account_setup
