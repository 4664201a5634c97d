SELECT count(*) FROM event WHERE seq > :after
