SELECT name, places, lease_ms, is_paused FROM pool ORDER BY name
