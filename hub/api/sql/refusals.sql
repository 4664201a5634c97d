-- Who was turned away, newest first; at most 10,000 are kept.
SELECT r.id, r.at_ms, r.peer, r.what, r.why, d.id
FROM (SELECT * FROM (SELECT * FROM refusal WHERE :peer IS NULL AND id < :before ORDER BY id DESC LIMIT :limit)
    UNION ALL
    SELECT * FROM (SELECT * FROM refusal WHERE peer = :peer AND id < :before ORDER BY id DESC LIMIT :limit)) r
LEFT JOIN device d ON d.id = r.peer
ORDER BY r.id DESC
