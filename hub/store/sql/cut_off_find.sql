SELECT why FROM cut_off WHERE device = :device AND epoch = :epoch
