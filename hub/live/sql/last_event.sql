-- Reads an end of event: the newest.
SELECT coalesce(max(id), 0) FROM event
