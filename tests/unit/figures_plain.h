/* figures_plain.h - what figures_test.c compares figures with: the same by plain SQL from the tables, a line each. */
#pragma once

static const char rule_sql[] =
    "SELECT json_extract(t.body, '$.partitions') AS rule, count(*) AS devices"
    " FROM asset_history h JOIN stream s ON s.id = h.stream_id"
    " JOIN definitions d ON d.device = s.device AND d.epoch = s.epoch AND d.seq = h.last_seq"
    " JOIN asset_text t ON t.version = h.version"
    " WHERE h.asset = :asset AND (:device IS NULL OR s.device = :device)"
    " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1";

/* Days that are over, keys as written, keys as added; then of each device the latest row that covers a key. */
static const char plain_sql[] =
    "WITH RECURSIVE r AS MATERIALIZED (%s),"
    "days(day) AS (SELECT substr(json_extract(rule, '$.start'), 1, 10) FROM r"
    "   WHERE json_extract(rule, '$.kind') = 'time'"
    "  UNION ALL SELECT date(day, '+1 day') FROM days WHERE day < :today),"
    "k AS MATERIALIZED (SELECT day AS key, row_number() OVER (ORDER BY day) AS pos FROM days"
    "   WHERE day < :today"
    "  UNION ALL SELECT j.value, j.key FROM r, json_each(rule, '$.keys') j"
    "  UNION ALL SELECT * FROM (SELECT key, row_number() OVER ("
    "     ORDER BY min(stream_ms), min(epoch), min(seq), key) FROM dynamic_partition"
    "   WHERE is_there AND set_name = (SELECT json_extract(rule, '$.set') FROM r)"
    "    AND (:device IS NULL OR device = :device) GROUP BY key)),"
    "c AS (SELECT k.pos, p.*, row_number() OVER (PARTITION BY p.device, k.pos"
    "   ORDER BY stream_ms DESC, epoch DESC, seq DESC) AS n"
    "  FROM asset_partition p JOIN k ON CASE WHEN p.first = p.last THEN k.key = p.first ELSE k.pos"
    "   BETWEEN (SELECT pos FROM k WHERE key = p.first) AND (SELECT pos FROM k WHERE key = p.last) "
    "END"
    "  WHERE p.asset = :asset AND (:device IS NULL OR p.device = :device))"
    "SELECT k.key || ' ' || coalesce(sum(is_made), 0) || ' ' || coalesce(sum(1 - is_made), 0)"
    "  || ' of ' || (SELECT devices FROM r) || ' at ' || coalesce(max(at_ms), 0)"
    "  || ' ' || iif(:device IS NULL, '', coalesce(max(run), ''))"
    " FROM k LEFT JOIN c ON c.pos = k.pos AND c.n = 1 GROUP BY k.pos ORDER BY k.pos";

static const char folds_sql[] =
    "WITH h AS (SELECT n.*, EXISTS (SELECT 1 FROM desired_device w JOIN device_desired t"
    "   ON t.device = w.device AND t.applied = w.revision, json_each(w.body, '$.pauses.' || n.kind "
    "|| 's') p"
    "   WHERE w.device = n.device AND p.value IN (n.name, '*')) AS held"
    "  FROM named_definition n WHERE n.kind IN ('schedule', 'sensor'))"
    "SELECT h.kind || ' ' || h.name || ' ' || h.version || ' on ' || count(*) || ' such as '"
    "  || min(h.device) || ' assets ' || max(h.assets) || ' paused ' || sum(h.held OR "
    "coalesce(i.status,"
    "   iif(json_extract(x.body, '$.starts_paused'), 'paused', 'running')) = 'paused')"
    "  || ' ticked ' || coalesce(max(k.at_ms), 'never') || ' ' || coalesce(sum(k.ticks), 0)"
    "  || ' ' || coalesce(sum(k.started), 0) || ' ' || coalesce(sum(k.status = 'failed'), 0)"
    " FROM h LEFT JOIN named_text x ON x.version = h.version"
    " LEFT JOIN instigator i ON i.device = h.device AND i.kind = h.kind AND i.name = h.name"
    " LEFT JOIN tick k ON k.device = h.device AND k.kind = h.kind AND k.name = h.name"
    " GROUP BY h.kind, h.name, h.version ORDER BY h.kind, h.name, h.version";
