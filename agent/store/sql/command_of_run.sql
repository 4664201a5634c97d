SELECT id FROM command WHERE status = 'started' AND run <> '' AND run IN (
    WITH RECURSIVE line (id, parent) AS (
        SELECT id, parent FROM run WHERE id = :run
        UNION SELECT run.id, run.parent FROM run JOIN line ON run.id = line.parent)
    SELECT id FROM line)
