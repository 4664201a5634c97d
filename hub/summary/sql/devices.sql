-- Reads all of stream: once, when all is read.
SELECT DISTINCT device FROM stream ORDER BY device
