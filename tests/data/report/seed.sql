-- A fleet of twelve shops at three sites and two weeks of work, for golden files of the report. 2026-11-30 06:00 UTC is
-- 1796018400000. Everything is arithmetic, so that it is the same each time.
CREATE TEMP TABLE seed (n INTEGER PRIMARY KEY, device TEXT, site TEXT);
INSERT INTO seed VALUES (0,'berlin-1','berlin'),(1,'berlin-2','berlin'),(2,'berlin-3','berlin'),(3,'berlin-4','berlin'),
    (4,'hamburg-1','hamburg'),(5,'hamburg-2','hamburg'),(6,'hamburg-3','hamburg'),
    (7,'munich-1','munich'),(8,'munich-2','munich'),(9,'munich-3','munich'),(10,'munich-4','munich'),(11,'spare',NULL);
CREATE TEMP TABLE seed_asset (k INTEGER PRIMARY KEY, asset TEXT, rows INTEGER, took INTEGER);
INSERT INTO seed_asset VALUES (0,'pos/orders',4200,1800),(1,'pos/payments',3900,1500),(2,'stock/levels',800,600),
    (3,'dbt/staging/orders_cleaned_and_joined_with_customers',4200,4100),(4,'reports/daily',24,9200),(5,'weather/forecast',48,300);

INSERT INTO device (id, status, status_ms, enrolled_ms, cert_serial, cert_fingerprint, key_fingerprint, not_after_ms)
    SELECT device, 'enrolled', 1, 1, 's', 'f', 'k', 1796018400000 + (CASE n WHEN 5 THEN 6 ELSE 60 END) * 86400000 FROM seed;
INSERT INTO device (id, status, status_ms, enrolled_ms, cert_serial, cert_fingerprint, key_fingerprint, not_after_ms)
    VALUES ('sold', 'decommissioned', 1, 1, 's', 'f', 'k', 1796018400000 + 6 * 86400000);
INSERT INTO device_label SELECT device, 'site', site FROM seed WHERE site IS NOT NULL;
INSERT INTO stream SELECT n + 1, device, printf('%016x', n + 1), 1, 5000, 1796018400000 - (CASE n WHEN 9 THEN 18000000 ELSE 60000 END) FROM seed WHERE n < 11;
INSERT INTO connection (device, is_online, since_ms, last_seen_ms, epoch, first_seq, last_seq, clock_offset_ms, offline_reason)
    SELECT device, n <> 9, 1796018400000 - 7200000, 1796018400000 - (CASE n WHEN 9 THEN 18000000 ELSE 30000 END),
        printf('%016x', n + 1), 1, 5000 + (CASE n WHEN 9 THEN 340 ELSE 0 END), CASE n WHEN 4 THEN 92000 ELSE 15 END,
        CASE n WHEN 9 THEN 'connection lost' END
    FROM seed WHERE n < 11;
INSERT INTO asset_definition (device, asset, group_name, is_external)
    SELECT device, asset, 'shop', 0 FROM seed, seed_asset WHERE n < 11;

-- One run each six hours for 14 days, on eleven devices.
CREATE TEMP TABLE seed_run AS
    WITH RECURSIVE t(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM t WHERE i < 55)
    SELECT n + 1 AS stream_id, printf('r-%02d-%03d', n, i) AS run, n, i, 1796018400000 - 3600000 - i * 21600000 AS at,
        CASE WHEN (n * 7 + i * 5) % 41 = 0 OR (n = 2 AND i < 3) THEN 'failure' WHEN (n + i) % 97 = 5 THEN 'canceled' ELSE 'success' END
            AS status
    FROM t, seed WHERE n < 11 AND NOT (n = 9 AND i = 0);
INSERT INTO run (stream_id, run, status, job, cause, enqueued_ms, started_ms, ended_ms, first_seq, last_seq)
    SELECT stream_id, run, status, 'refresh', 'schedule', at - 20000, at - 19000, at, 1, 2 FROM seed_run;
INSERT INTO run (stream_id, run, status, job, enqueued_ms, started_ms, first_seq, last_seq)
    VALUES (1, 'r-open', 'started', 'refresh', 1796018400000 - 5000, 1796018400000 - 4000, 1, 2);
INSERT INTO step (stream_id, run, step, asset, status, attempt, started_ms, ended_ms, duration_ms)
    SELECT stream_id, run, asset, asset, CASE WHEN status = 'failure' AND k = 0 THEN 'failure' ELSE 'success' END,
        CASE WHEN (n * 3 + i + k * 11) % 29 = 0 OR (k = 5 AND (n + i) % 5 = 0) THEN 2 ELSE 1 END, at - 15000, at - 1000,
        took + (n * 131 + i * 17) % 700
    FROM seed_run, seed_asset WHERE NOT (status = 'failure' AND k IN (3, 4));
INSERT INTO materialization (stream_id, seq, asset, at_ms, run, step, row_count, rows_written, byte_count)
    SELECT stream_id, 10 + i * 10 + k, asset, at - 1000, run, asset, 100000,
        CASE WHEN k = 4 THEN NULL ELSE rows + (n * 211 + i * 13) % 900 - i * 20 END, (rows + (n * 211) % 900) * (90 + k * 7)
    FROM seed_run, seed_asset WHERE NOT (status = 'failure' AND k IN (0, 3, 4)) AND NOT (k = 5 AND i > 27);
INSERT INTO asset_state (device, asset, materializations, failures, at_ms, run, row_count, byte_count, stream_id, stream_ms, epoch, seq)
    SELECT s.device, m.asset, count(*), 0, max(m.at_ms), max(m.run), 100000, 1000000, m.stream_id, 1, s.epoch, max(m.seq)
    FROM materialization m JOIN stream s ON s.id = m.stream_id GROUP BY m.stream_id, m.asset;
UPDATE asset_state SET failures = 3, failed_at_ms = 1796018400000 - 3601000, failed_run = 'r-02-000',
    failed_error = '{"code":"offline","message":"tap postgresql: connect to till.berlin-3:5432: connection refused <is it on?>"}',
    failed_stream_ms = 1, failed_epoch = epoch, failed_seq = 4999
    WHERE device = 'berlin-3' AND asset = 'pos/orders';
UPDATE run SET error = '{"message":"x"}' WHERE status = 'failure';

INSERT INTO check_result VALUES
    ('munich-1','pos/orders','has_rows',0,NULL,1796018400000 - 3600000,NULL,NULL,1,'e',1),
    ('berlin-1','stock/levels','no negative levels',0,'warn',1796018400000 - 7200000,NULL,NULL,1,'e',1),
    ('berlin-1','pos/orders','has_rows',1,NULL,1796018400000 - 3600000,NULL,NULL,1,'e',1);
INSERT INTO asset_freshness (device, asset, stream_ms, epoch, seq, at_ms, status)
    SELECT device, 'reports/daily', 1, 'e', 1, 1796018400000 - 10800000,
        CASE n WHEN 2 THEN 'fail' WHEN 6 THEN 'warn' WHEN 7 THEN 'fail' ELSE 'pass' END FROM seed WHERE n < 11;
INSERT INTO gap VALUES (7, 4000, 3881, 1796018400000 - 40000000, 'buffer_quota', '{"step_start":120}'),
    (7, 4500, 4491, 1796018400000 - 30000000, 'buffer_quota', NULL), (8, 100, 51, 1796018400000 - 30 * 86400000, 'restored', NULL);
INSERT INTO refusal (at_ms, peer, what, why) VALUES (1796018400000 - 5000, '192.0.2.7', 'enrolment', 'no token'), (1, 'old', 'w', 'y');
INSERT INTO alert (kind, is_group, subject, opened_ms, told_ms, resolved_ms, devices, troubles, detail) VALUES
    ('failing', 0, 'berlin-3', 1796018400000 - 47000000, 1796018400000 - 46900000, NULL, 1, 1, 'pos/orders: connection refused'),
    ('away', 0, 'munich-3', 1796018400000 - 18000000, 1796018400000 - 17000000, NULL, 1, 1, 'last seen 2026-11-30T01:00:00Z'),
    ('away', 1, 'hamburg', 1796018400000 - 60000000, 1796018400000 - 59900000, 1796018400000 - 55000000, 3, 3, 'last seen 2026-11-29T13:20:00Z'),
    ('disk', 0, 'berlin-1', 1796018400000 - 1000, 0, NULL, 1, 1, 'told to nobody yet');
