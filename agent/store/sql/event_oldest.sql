SELECT seq, from_seq, type, length(CAST(body AS BLOB)), CASE WHEN from_seq > 0 THEN body END
FROM event WHERE seq > :after ORDER BY seq
