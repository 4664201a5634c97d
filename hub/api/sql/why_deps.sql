SELECT upstream FROM edge WHERE device = :device AND downstream = :asset ORDER BY upstream
