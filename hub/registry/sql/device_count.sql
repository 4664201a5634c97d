SELECT count(*) FROM device WHERE status = 'enrolled'
