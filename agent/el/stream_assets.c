#include "agent/el/stream_assets.h"

#include "agent/el/stream_state.h"
#include "common/log/log.h"

static const struct stream_counts *find(const struct materialization *load, struct str stream)
{
    for (size_t i = 0; i < load->stream_count; i++) {
        if (str_eq(load->streams[i].name, stream)) {
            return &load->streams[i];
        }
    }
    return NULL;
}

/* A tap may be silent about a stream in which nothing is new, when it has loaded it before. A name
 * that it does not know must not go unnoticed. Always false. */
static bool is_unknown(const struct asset_stream *asset, struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "the tap gave no stream \"" STR_FMT "\"", STR_ARG(asset->stream));
    return err_hint(err, "look for its name in the tap's --discover, and whether it is selected");
}

/* Whether the stream is in the target whole. */
static bool is_made(const struct asset_stream *asset, const struct materialization *load,
                    bool is_loaded, const struct err *of_load, struct err *err)
{
    const struct stream_counts *stream = find(load, asset->stream);
    if (stream != NULL && stream->failure != NULL) {
        *err = *stream->failure;
        return false;
    }
    if (is_loaded && stream == NULL && !stream_state_has(load->state, asset->stream)) {
        return is_unknown(asset, err);
    }
    *err = *of_load;
    return is_loaded || (stream != NULL && stream->is_whole);
}

static void report_made(const struct asset_stream *asset, const struct materialization *load,
                        struct report *report)
{
    static const struct stream_counts nothing = {.row_count = -1};
    const struct stream_counts *stream = find(load, asset->stream);
    stream = stream == NULL ? &nothing : stream;
    const struct materialization m = {.asset = asset->asset,
                                      .table = stream->table,
                                      .row_count = stream->row_count,
                                      .rows_read = stream->rows_read,
                                      .rows_written = stream->rows_written,
                                      .rows_removed = stream->rows_removed,
                                      .bytes_read = stream->bytes_read,
                                      .key_min = stream->key_min,
                                      .key_max = stream->key_max,
                                      .columns = stream->columns};
    report_materialization(report, &m);
    LOG(INFO, "el.materialized", F_S("asset", asset->asset), F_I("rows_read", m.rows_read),
        F_I("rows_written", m.rows_written), F_I("row_count", m.row_count));
}

bool stream_assets_report(const struct request *request, const struct materialization *load,
                          bool is_loaded, struct report *report, bool *made, struct err *err)
{
    const struct asset_stream *assets = request->assets.items;
    const struct err of_load = *err;
    struct err first = {0};
    size_t failed = 0;
    for (size_t i = 0; i < request->assets.count; i++) {
        struct err why = {0};
        made[i] = is_made(&assets[i], load, is_loaded, &of_load, &why);
        if (made[i]) {
            report_made(&assets[i], load, report);
            continue;
        }
        report_failure(report, assets[i].asset, &why);
        LOG(ERROR, "el.stream_failed", F_S("asset", assets[i].asset), F_ERR(&why));
        first = failed++ == 0 ? why : first;
    }
    if (failed == 0 || !is_loaded) {
        *err = of_load;
        return is_loaded;
    }
    *err = first;
    return err_wrap(err, "%zu of %zu streams failed", failed, request->assets.count);
}
