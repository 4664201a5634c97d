SELECT DISTINCT device FROM stream ORDER BY device
