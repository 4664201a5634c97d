SELECT device FROM connection
WHERE is_online = 1 AND device > :after AND authorities IS NOT NULL AND authorities <> :list
ORDER BY device LIMIT :limit
