-- Reads all of materialization: how things were at a time, for a command line.
SELECT m.asset, max(m.at_ms), count(*)
FROM materialization m JOIN stream s ON s.id = m.stream_id
WHERE m.at_ms <= :at AND (:device IS NULL OR s.device = :device)
GROUP BY m.asset
