UPDATE certificate SET revoked_ms = :now WHERE device = :device AND revoked_ms IS NULL
