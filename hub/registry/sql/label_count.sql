SELECT count(*) FROM device_label WHERE device = :device
