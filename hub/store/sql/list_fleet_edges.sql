-- Reads all of edge: the whole graph, with who declares it.
SELECT upstream, downstream, devices, declared_by FROM fleet_edge ORDER BY upstream, downstream
