DELETE FROM bundle WHERE hash NOT IN (SELECT hash FROM bundle ORDER BY at DESC LIMIT 100)
    AND hash NOT IN (SELECT current FROM bundle_place UNION SELECT previous FROM bundle_place)
