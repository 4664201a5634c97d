SELECT name, places, lease_ms FROM pool ORDER BY name
