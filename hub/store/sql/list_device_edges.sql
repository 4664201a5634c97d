SELECT upstream, downstream, 1, device FROM edge WHERE device = :device ORDER BY upstream, downstream
