WITH oldest AS (SELECT seq, body FROM event WHERE seq <= :acked ORDER BY seq LIMIT :limit)
SELECT coalesce(min(seq) FILTER (WHERE NOT is_old) - 1, max(seq)), count(*) FILTER (WHERE is_old)
FROM (SELECT seq, unixepoch(json_extract(body, '$.at')) * 1000000000 < :before AS is_old FROM oldest)
HAVING count(*) FILTER (WHERE is_old) > 0
