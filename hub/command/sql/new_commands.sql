SELECT number, at_once FROM command WHERE number > :after ORDER BY number LIMIT 1000
