UPDATE bundle_place SET current = :current, previous = :previous, starts = 0 WHERE id = 1
