SELECT seq, from_seq, body FROM event WHERE seq >= :from ORDER BY seq LIMIT :count
