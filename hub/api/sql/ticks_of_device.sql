-- Of one schedule, sensor or condition on one device.
SELECT e.id, s.device, s.epoch, e.seq, e.type, e.at_ms, e.received_ms, e.body, p.stream_id
FROM (SELECT stream_id, seq, at_ms FROM tick_history
    WHERE kind = :kind AND name = :name AND stream_id IN (SELECT id FROM stream WHERE device = :device)
        AND at_ms <= :at AND (at_ms, stream_id, seq) < (:at, :stream, :seq)
    ORDER BY at_ms DESC, stream_id DESC, seq DESC LIMIT :limit) p
JOIN event e ON e.stream_id = p.stream_id AND e.seq = p.seq JOIN stream s ON s.id = p.stream_id
ORDER BY p.at_ms DESC, p.stream_id DESC, p.seq DESC
