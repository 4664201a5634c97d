SELECT DISTINCT upstream, downstream FROM edge ORDER BY upstream, downstream
