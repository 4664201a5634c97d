-- Not those that fetch what steps wrote: whoever looks at it gives one a minute.
SELECT c.given_ms, c.id, c.verb, coalesce(a.status, CASE WHEN c.withdrawn_ms IS NOT NULL THEN 'withdrawn' WHEN d.sent > 0 THEN 'sent' ELSE 'waiting' END),
    a.at_ms
FROM command_device d JOIN command c ON c.number = d.command
LEFT JOIN command_answer a ON a.command = c.id AND a.device = d.device
WHERE d.device = :device AND c.verb <> 'logs' AND c.given_ms BETWEEN :since AND :until ORDER BY d.command DESC LIMIT :limit
