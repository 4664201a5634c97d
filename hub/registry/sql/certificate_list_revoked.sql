SELECT serial, revoked_ms, device FROM certificate WHERE revoked_ms IS NOT NULL AND not_after_ms > :since ORDER BY revoked_ms, serial
