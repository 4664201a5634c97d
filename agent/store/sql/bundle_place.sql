SELECT current, previous, starts FROM bundle_place WHERE id = 1
