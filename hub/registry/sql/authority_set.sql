UPDATE connection SET authorities = :authorities, authority = :authority WHERE device = :device
    AND (authorities IS NOT :authorities OR authority IS NOT :authority)
