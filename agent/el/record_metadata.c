#include "agent/el/record_metadata.h"

#include "agent/el/removal.h"

#include <string.h>

static const struct column columns[METADATA_COLUMNS] = {
    [METADATA_EXTRACTED_AT] = SDC_TIME_COLUMN("_sdc_extracted_at"),
    [METADATA_RECEIVED_AT] = SDC_TIME_COLUMN("_sdc_received_at"),
    [METADATA_BATCHED_AT] = SDC_TIME_COLUMN("_sdc_batched_at"),
    [METADATA_DELETED_AT] = SDC_TIME_COLUMN(DELETED_AT_COLUMN),
    [METADATA_SEQUENCE] = SDC_INTEGER_COLUMN("_sdc_sequence"),
    [METADATA_TABLE_VERSION] = SDC_INTEGER_COLUMN(VERSION_COLUMN),
    [METADATA_SYNC_STARTED_AT] = SDC_INTEGER_COLUMN("_sdc_sync_started_at"),
};

static bool is_added(enum metadata_extent extent, size_t column)
{
    return extent == METADATA_ALL ||
           (extent == METADATA_VERSION && column == METADATA_TABLE_VERSION);
}

bool record_metadata_init(struct record_metadata *m, enum metadata_extent extent,
                          const struct schema *stream, struct arena *arena, struct err *err)
{
    *m = (struct record_metadata){
        .extent = extent, .schema = schema_new(arena), .count = stream->count};
    if (!schema_copy(stream, &m->schema, err)) {
        return false;
    }
    m->has_deleted_at = schema_find(stream, STR(DELETED_AT_COLUMN), &m->places[0]);
    for (size_t i = 0; i < METADATA_COLUMNS; i++) {
        if (!is_added(extent, i) ||
            schema_find_nocase(&m->schema, columns[i].name, &m->places[i])) {
            continue;
        }
        m->places[i] = m->schema.count;
        if (!schema_add(&m->schema, &columns[i], err)) {
            return false;
        }
    }
    m->row = arena_array(arena, m->schema.count + 1, sizeof(*m->row));
    return m->row != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a row");
}

static struct value text_of(const char *text)
{
    return (struct value){.type = VALUE_TEXT, .as.text = str_from(text)};
}

static struct value milliseconds(struct wall_time t)
{
    return (struct value){.type = VALUE_INTEGER, .as.integer = t.ns / NS_PER_MS};
}

/* A PostgreSQL timestamp has no time zone and would drop the one that the text has. */
static struct value extracted_at(const struct row_origin *origin, struct record_metadata *m)
{
    struct wall_time time;
    struct str text = origin->time_extracted;
    if (text.len == 0) {
        return (struct value){.type = VALUE_NULL};
    }
    if (!str_ends(text, STR("Z")) && wall_parse(text, &time)) {
        return text_of(wall_format(time, m->extracted_text));
    }
    return (struct value){.type = VALUE_TEXT, .as.text = text};
}

static void add_all(struct record_metadata *m, const struct row_origin *origin,
                    const struct record_times *times)
{
    if (m->received.ns / NS_PER_MS != times->now.ns / NS_PER_MS || m->received_text[0] == '\0') {
        m->received = times->now;
        (void)wall_format(times->now, m->received_text);
        (void)wall_format(times->batch_start, m->batched_text);
    }
    m->row[m->places[METADATA_EXTRACTED_AT]] = extracted_at(origin, m);
    m->row[m->places[METADATA_RECEIVED_AT]] = text_of(m->received_text);
    m->row[m->places[METADATA_BATCHED_AT]] = text_of(m->batched_text);
    if (!m->has_deleted_at) {
        m->row[m->places[METADATA_DELETED_AT]] = (struct value){.type = VALUE_NULL};
    }
    m->row[m->places[METADATA_SEQUENCE]] = milliseconds(times->now);
    m->row[m->places[METADATA_SYNC_STARTED_AT]] = milliseconds(times->load_start);
}

const struct value *record_metadata_add(struct record_metadata *m, const struct value *row,
                                        const struct row_origin *origin,
                                        const struct record_times *times)
{
    if (m->extent == METADATA_NONE) {
        return row;
    }
    memcpy(m->row, row, m->count * sizeof(*row));
    m->row[m->places[METADATA_TABLE_VERSION]] = (struct value){
        .type = origin->has_version ? VALUE_INTEGER : VALUE_NULL, .as.integer = origin->version};
    if (m->extent == METADATA_ALL) {
        add_all(m, origin, times);
    }
    return m->row;
}
