SELECT count(*), count(*) FILTER (WHERE role = 'admin') FROM account
