SELECT count(*) FROM connection
WHERE is_online = 0 AND offline_reason = 'the hub restarted' AND since_ms BETWEEN :now - :return AND :now
