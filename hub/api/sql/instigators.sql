SELECT s.device, coalesce(json_extract(e.body, '$.schedule'), json_extract(e.body, '$.sensor'), ''),
    json_extract(e.body, '$.sensor') IS NOT NULL, json_extract(e.body, '$.status'), json_extract(e.body, '$.reason'), e.at_ms, max(e.id)
FROM event e JOIN stream s ON s.id = e.stream_id
WHERE e.type = 'instigator' AND (:device IS NULL OR s.device = :device) GROUP BY 1, 2, 3
