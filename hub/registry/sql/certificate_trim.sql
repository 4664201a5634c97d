DELETE FROM certificate WHERE device = :device AND not_after_ms < :now AND serial NOT IN
    (SELECT serial FROM certificate WHERE device = :device ORDER BY issued_ms DESC LIMIT 8)
