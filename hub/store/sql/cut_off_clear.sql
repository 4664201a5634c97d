DELETE FROM cut_off WHERE device = :device AND (:epoch IS NULL OR epoch = :epoch)
