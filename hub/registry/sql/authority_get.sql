SELECT authorities FROM connection WHERE device = :device AND authorities IS NOT NULL
