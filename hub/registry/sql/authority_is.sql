SELECT 1 FROM connection WHERE device = :device AND authorities IS :authorities AND authority IS :authority
