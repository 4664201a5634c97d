SELECT name, status, cursor, decided, changed_at, ticked_at FROM instigator WHERE kind = :kind ORDER BY name
