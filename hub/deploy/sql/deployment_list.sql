SELECT p.id, p.bundle, p.targets, p.waves, p.abort_if, p.keeps_on_abort, p.soak_ms, p.patience_ms, p.made_ms, p.status,
    p.wave, coalesce(p.settled_ms, 0), coalesce(p.ended_ms, 0), p.reason, b.source, b.files, b.bytes
FROM deployment p JOIN bundle b ON b.hash = p.bundle ORDER BY p.made_ms DESC, p.id
