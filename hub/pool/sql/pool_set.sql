INSERT INTO pool (name, places, lease_ms) VALUES (:name, :places, :lease)
ON CONFLICT (name) DO UPDATE SET places = excluded.places, lease_ms = excluded.lease_ms
