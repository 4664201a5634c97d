SELECT upstream, downstream, devices, declared_by FROM fleet_edge ORDER BY upstream, downstream
