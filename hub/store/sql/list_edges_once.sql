-- Reads all of edge: the whole graph, made aside and kept.
SELECT DISTINCT upstream, downstream FROM edge ORDER BY upstream, downstream
