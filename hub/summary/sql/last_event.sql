-- Reads an end of event: the newest.
SELECT (SELECT coalesce(max(id), 0) FROM event), (SELECT times FROM derived)
