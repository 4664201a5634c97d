INSERT OR IGNORE INTO edge (device, downstream, upstream) VALUES (:device, :downstream, :upstream)
