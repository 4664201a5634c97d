INSERT INTO connection (device, is_online, session, since_ms, last_seen_ms, epoch, first_seq, last_seq, version, board,
    boot_id, definitions_hash, clock_offset_ms, clock_trusted, authorities, authority)
VALUES (:device, 1, :session, :now, :now, :epoch, :first_seq, :last_seq, :version, :board, :boot_id, :definitions_hash,
    :clock_offset, :clock_trusted, :authorities, :authority)
ON CONFLICT (device) DO UPDATE SET is_online = 1,
    since_ms = CASE WHEN is_online = 1 AND session = excluded.session THEN since_ms ELSE excluded.since_ms END,
    session = excluded.session, last_seen_ms = excluded.last_seen_ms, epoch = excluded.epoch,
    first_seq = excluded.first_seq, last_seq = excluded.last_seq, version = excluded.version, board = excluded.board,
    boot_id = excluded.boot_id, definitions_hash = excluded.definitions_hash, clock_offset_ms = excluded.clock_offset_ms,
    clock_trusted = excluded.clock_trusted, authorities = excluded.authorities, authority = excluded.authority,
    offline_reason = NULL
