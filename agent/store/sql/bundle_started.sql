UPDATE bundle_place SET starts = starts + 1 WHERE id = 1
