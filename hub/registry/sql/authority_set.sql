UPDATE connection SET authorities = :authorities, authority = :authority WHERE device = :device
