#include "agent/el/singer_discover.h"

#include "agent/el/cancel.h"
#include "agent/meltano/catalog.h"
#include "common/json/json_verbatim.h"
#include "common/platform/files.h"

#include <errno.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 << 10 };

static bool read_to_end(int fd, struct buf *into, struct err *err)
{
    for (;;) {
        char *to = buf_reserve(into, PIECE_BYTES);
        if (to == NULL) {
            return err_set(err, ERR_FULL, "its catalog is too large");
        }
        ssize_t n = read(fd, to, PIECE_BYTES);
        if (cancel_requested()) {
            return cancel_error(err);
        }
        if (n < 0 && errno != EINTR) {
            return err_errno(err, errno, "read its catalog");
        }
        if (n == 0) {
            return true;
        }
        into->len += n > 0 ? (size_t)n : 0;
    }
}

bool singer_discover(const struct program_options *program, struct str config, struct arena *arena,
                     struct buf *into, struct err *err)
{
    const char *arguments[4] = {0};
    struct program_options options = *program;
    struct program tap = {.pidfd = -1, .in = -1, .out = -1, .log = -1};
    AUTO(fd) file = {-1};
    size_t count = 0;
    if (config.len > 0) {
        arguments[count++] = "--config";
        if (!program_file(config, arena, &file.n, &arguments[count++], err)) {
            return err_wrap(err, "tap");
        }
    }
    arguments[count] = "--discover";
    options.arguments = arguments;
    bool ok = program_start(&tap, &options, arena, err) && read_to_end(tap.out, into, err) &&
              program_wait(&tap, err);
    program_release(&tap);
    struct str name = program->command->items[0];
    return ok || (err->code == ERR_CANCELLED
                      ? false
                      : err_wrap(err, "ask tap " STR_FMT " for its catalog", STR_ARG(name)));
}

static struct json *rules_of(const struct str_list *select, struct arena *arena)
{
    struct json *list = arena_alloc(arena, sizeof(*list));
    struct json *items = arena_array(arena, select->count, sizeof(*items));
    if (list == NULL || items == NULL) {
        return NULL;
    }
    *list = (struct json){.type = JSON_ARRAY, .child = items, .count = select->count};
    for (size_t i = 0; i < select->count; i++) {
        items[i] = (struct json){.type = JSON_STRING,
                                 .as.string = select->items[i],
                                 .next = i + 1 < select->count ? &items[i + 1] : NULL};
    }
    return list;
}

static bool find(const struct tap_options *o, struct arena *arena, struct buf *text,
                 struct err *err)
{
    const struct program_options program = {.command = &o->command, .dir = o->dir};
    if (o->catalog.len > 0) {
        buf_add(text, o->catalog);
        return !text->overflow || err_set(err, ERR_FULL, "the catalog is too large");
    }
    return singer_discover(&program, o->config, arena, text, err);
}

static bool choose(const struct tap_options *o, struct json *catalog, struct arena *arena,
                   struct err *err)
{
    const struct catalog_rules rules = {.select = rules_of(&o->select, arena)};
    if (o->select.count > 0 && rules.select == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the rules");
    }
    return (o->select.count == 0 || catalog_apply(catalog, &rules, arena, err)) &&
           (o->streams.count == 0 || catalog_narrow(catalog, &o->streams, arena, err));
}

bool singer_tap_catalog(const struct tap_options *options, struct arena *arena, struct str *ret,
                        struct err *err)
{
    AUTO(arena) scratch = arena_new(CATALOG_MEMORY_MAX);
    AUTO(buf) text = buf_growing(CATALOG_TEXT_BYTES_MAX);
    struct json *catalog = NULL;
    bool is_changed =
        options->select.count > 0 || (options->catalog.len > 0 && options->streams.count > 0);
    *ret = options->catalog;
    if (!is_changed) {
        return true;
    }
    if (!find(options, arena, &text, err)) {
        return false;
    }
    if (!json_verbatim_read(buf_str(&text), CATALOG_TEXT_BYTES_MAX, &scratch, &catalog, err)) {
        return err_wrap(err, "catalog");
    }
    buf_reset(&text);
    if (!choose(options, catalog, &scratch, err) || !json_verbatim_write(&text, catalog, err)) {
        return false;
    }
    *ret = arena_copy(arena, buf_str(&text));
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for the catalog");
}
