SELECT seq, body FROM outside_report WHERE seq > :after ORDER BY seq LIMIT :limit
