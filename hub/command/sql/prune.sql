-- Whoever watches a step work gives a command a minute: those that fetch output are forgotten a day after they were over.
DELETE FROM command WHERE is_open = 0 AND (number <= (SELECT max(number) FROM command) - :keep
    OR (verb = 'logs' AND given_ms < (SELECT given_ms FROM command ORDER BY number DESC LIMIT 1) - 86400000))
