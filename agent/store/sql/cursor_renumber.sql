UPDATE instigator SET cursor = 'seq ' || (CAST(substr(cursor, 5) AS INTEGER) - :by
    - CASE WHEN CAST(substr(cursor, 5) AS INTEGER) > :by THEN 0 ELSE 1 END)
WHERE kind = 'sensor' AND cursor GLOB 'seq *'
