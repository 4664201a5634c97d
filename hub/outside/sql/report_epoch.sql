SELECT o.epoch, coalesce(s.merged_seq, 0)
FROM outside_stream o LEFT JOIN stream s ON s.device = 'hub' AND s.epoch = o.epoch
