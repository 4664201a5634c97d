SELECT seq, from_seq, type, length(CAST(body AS BLOB)) FROM event WHERE seq > :after ORDER BY seq
