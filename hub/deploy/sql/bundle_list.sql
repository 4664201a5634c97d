WITH said AS ( -- of each device the three bundles that it spoke of last: one in force, one before it, one that comes in
    SELECT device, bundle, current FROM (
        SELECT s.device, s.bundle, s.current,
            row_number() OVER (PARTITION BY s.device ORDER BY s.stream_ms DESC, s.epoch DESC, s.seq DESC) AS n
        FROM bundle_state s LEFT JOIN device d ON d.id = s.device WHERE coalesce(d.status, '') <> 'decommissioned')
    WHERE n <= 3),
held AS (SELECT device, bundle FROM said UNION SELECT device, current FROM said WHERE current IS NOT NULL),
going AS (SELECT w.id, w.bundle FROM deployment w WHERE w.status IN ('running', 'paused'))
SELECT b.hash, b.made_ms, b.files, b.bytes, b.source, b.deleted_ms,
    (SELECT count(*) FROM going g WHERE g.bundle = b.hash)
        + (SELECT count(*) FROM going g JOIN deployment_device x ON x.deployment = g.id WHERE x.bundle_before = b.hash),
    (SELECT count(*) FROM deploy_target t WHERE t.bundle = b.hash),
    (SELECT count(*) FROM held h WHERE h.bundle = b.hash),
    (SELECT count(*) FROM command c WHERE c.is_open = 1 AND instr(coalesce(c.args, ''), b.hash) > 0),
    row_number() OVER (ORDER BY b.deleted_ms IS NOT NULL, b.made_ms DESC, b.hash)
FROM bundle b ORDER BY b.made_ms DESC, b.hash
