SELECT count(*) FROM certificate WHERE device = :device AND issued_ms > :since AND cause <> 'enrolled'
