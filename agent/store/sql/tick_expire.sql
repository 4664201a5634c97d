-- How old a tick is, in ms: what passed from each tick to the next, and to now, since. A step of more than a sixteenth of the age
-- counts as that, as the clock may have jumped; one backwards counts as nothing. A tick that is forgotten while its time is
-- still to come would start another run then.
WITH gap AS (
    SELECT id, kind, name, at, nominal,
        min(max(lead(at, 1, :now) OVER (ORDER BY id) - at, 0), :age / 16) / 1000000 AS ms
    FROM tick
), aged AS (
    SELECT id, at, nominal, sum(ms) OVER (ORDER BY id DESC) AS ms,
        row_number() OVER (PARTITION BY kind, name ORDER BY id DESC) AS place
    FROM gap
)
DELETE FROM tick WHERE id IN (
    SELECT id FROM aged
    WHERE place > :newest AND ms >= :age / 1000000 AND at < :now - :age AND nominal < :now - :age ORDER BY id LIMIT :limit)
