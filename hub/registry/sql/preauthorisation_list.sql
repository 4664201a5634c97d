SELECT serial_number, device, labels, added_ms, used_ms FROM preauthorisation WHERE serial_number > :after
ORDER BY serial_number LIMIT :limit
