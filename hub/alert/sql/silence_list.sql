SELECT id, targets, kind, until_ms, reason FROM alert_silence WHERE until_ms > :now ORDER BY id
