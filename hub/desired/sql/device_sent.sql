UPDATE desired_device SET sent_ms = :now WHERE device = :device AND revision = :revision
