SELECT e.id, s.device, e.type, json_extract(e.body, '$.run'), json_extract(e.body, '$.asset'), json_extract(e.body, '$.command')
FROM event e JOIN stream s ON s.id = e.stream_id WHERE e.id > :after ORDER BY e.id LIMIT :limit
