/* cmd_deploy.c - makes a bundle of a folder of this machine, sending the hub the files that it has not, and
 * says which devices are to have it and in which waves. */
#include "hub/cli/screen.h"

#include "common/platform/clock.h"
#include "hub/deploy/folder.h"
#include "hub/deploy/waves.h"
#include <poll.h>
#include <string.h>

enum {
    FOLDER_ARENA_BYTES = 16 << 20,
    PIECE_BYTES = 1 << 20,
    ROUNDS_MAX = 3, /* files may be deleted while others are sent */
    LOOK_MS = 300,
    BUSY_LOOKS_MAX = 200, /* a prune takes a minute at most */
    LINE_BYTES = 256,
};

struct deploying {
    struct screen *screen;
    const char *dir;
    struct arena arena;
    struct bundle_manifest manifest;
    struct buf text; /* the manifest's */
    char bundle[BUNDLE_HASH_SIZE];
    int64_t new_files;
};

/* --- files ------------------------------------------------------------------------------------ */

static bool send_piece(struct deploying *d, const struct bundle_file *file, int64_t offset,
                       struct buf *piece, struct err *err)
{
    struct buf *target = &d->screen->target;
    const struct json *none = NULL;
    buf_reset(piece);
    arena_reset(&d->screen->arena);
    target_begin(target, "/api/v1/bundle-files");
    target_part(target, file->sha256, false);
    target_query_i64(target, "offset", offset);
    target_query_i64(target, "size", file->size);
    return folder_read_piece(d->dir, file, offset, piece, err) &&
           screen_send(d->screen, HTTP_PUT, buf_str(piece), &none, NULL, err);
}

static bool send_file(struct deploying *d, const struct bundle_file *file, struct err *err)
{
    AUTO(buf) piece = buf_growing(PIECE_BYTES);
    int64_t offset = 0;
    do {
        if (!send_piece(d, file, offset, &piece, err)) {
            return err_wrap(err, STR_FMT, STR_ARG(file->path));
        }
        offset += (int64_t)piece.len;
    } while (offset < file->size);
    d->new_files++;
    return true;
}

/* The answer names each file that is missing once, in the order of the manifest. False: none is. */
static bool note_missing(const struct deploying *d, const struct json *answer, bool *missing)
{
    const struct json *first = item_first(answer, "missing");
    const struct json *next = first;
    for (size_t i = 0; i < d->manifest.count; i++) {
        missing[i] = next != NULL && str_eq(next->as.string, d->manifest.files[i].sha256);
        next = missing[i] ? next->next : next;
    }
    return first != NULL;
}

/* After an answer that is an error: true when it is to be asked again, since the hub is deleting bundles. */
static bool is_to_wait(struct err *err, int *looks)
{
    if (err->code != ERR_BUSY || ++*looks > BUSY_LOOKS_MAX) {
        return false;
    }
    *err = (struct err){0};
    (void)poll(NULL, 0, LOOK_MS);
    return true;
}

/* --- the bundle ------------------------------------------------------------------------------- */

static bool offer(struct deploying *d, const struct json **ret, struct err *err)
{
    target_begin(&d->screen->target, "/api/v1/bundles");
    target_query(&d->screen->target, "source", str_from(d->dir));
    arena_reset(&d->screen->arena);
    int looks = 0;
    bool ok = false;
    do {
        ok = screen_send(d->screen, HTTP_POST, buf_str(&d->text), ret, NULL, err);
    } while (!ok && is_to_wait(err, &looks));
    return ok;
}

static bool send_missing(struct deploying *d, const bool *missing, struct err *err)
{
    for (size_t i = 0; i < d->manifest.count; i++) {
        if (missing[i] && !send_file(d, &d->manifest.files[i], err)) {
            return false;
        }
    }
    return true;
}

static bool bring(struct deploying *d, struct err *err)
{
    const struct json *answer = NULL;
    bool *missing = arena_array(&d->arena, d->manifest.count, sizeof(*missing));
    if (missing == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    for (int round = 0; round < ROUNDS_MAX; round++) {
        if (!offer(d, &answer, err)) {
            return false;
        }
        if (!note_missing(d, answer, missing)) {
            struct buf hash = buf_fixed(d->bundle, sizeof(d->bundle));
            buf_add(&hash, item_str(answer, "bundle"));
            return buf_cstr(&hash) != NULL ||
                   err_set(err, ERR_INTERNAL, "the hub answered no hash of a bundle");
        }
        if (!send_missing(d, missing, err)) {
            return false;
        }
    }
    return err_set(err, ERR_BUSY, "the hub deletes files of the bundle while others are sent");
}

static bool pack(struct deploying *d, struct err *err)
{
    if (!folder_read(d->dir, &d->arena, &d->manifest, err)) {
        return false;
    }
    bundle_manifest_encode(&d->manifest, &d->text);
    if (d->text.overflow) {
        return err_set(err, ERR_FULL, "the list of the files in %s is longer than %d bytes", d->dir,
                       BUNDLE_MANIFEST_BYTES);
    }
    return bring(d, err);
}

/* --- the deployment --------------------------------------------------------------------------- */

static bool give(struct deploying *d, const struct json **ret, struct err *err)
{
    struct screen *s = d->screen;
    struct cli *cli = s->cli;
    struct json_writer w = json_writer(&s->text);
    buf_reset(&s->text);
    jw_begin_object(&w);
    jw_member_str(&w, "bundle", str_from(d->bundle));
    jw_member_str(&w, "targets", str_from(cli_text(cli, "to")));
    jw_member_str(&w, "waves", str_from(cli_text(cli, "wave")));
    jw_member_str(&w, "abort_if", str_from(cli_text(cli, "abort-if")));
    jw_member_str(&w, "on_abort", str_from(cli_text(cli, "on-abort")));
    jw_member_str(&w, "soak", str_from(cli_text(cli, "soak")));
    jw_member_str(&w, "patience", str_from(cli_text(cli, "patience")));
    jw_end_object(&w);
    target_begin(&s->target, "/api/v1/deployments");
    arena_reset(&s->arena);
    int looks = 0;
    bool ok = false;
    do {
        ok = screen_act(s, HTTP_POST, buf_str(&s->text), ret, NULL, err);
    } while (!ok && is_to_wait(err, &looks));
    return ok;
}

static void say(const struct deploying *d, const struct json *made)
{
    struct screen *s = d->screen;
    int64_t devices = item_count(made, "devices");
    if (!cli_is_json(s->cli)) {
        cli_printf(s->cli,
                   "deployment " STR_FMT
                   ": bundle %.12s with %lld files (%lld bytes) goes to %lld device%s\n",
                   STR_ARG(item_str(made, "deployment")), d->bundle, (long long)d->manifest.count,
                   (long long)d->manifest.bytes, (long long)devices, devices == 1 ? "" : "s");
        return;
    }
    struct json_writer w = json_writer(&s->text);
    buf_reset(&s->text);
    jw_begin_object(&w);
    jw_member_str(&w, "deployment", item_str(made, "deployment"));
    jw_member_str(&w, "bundle", str_from(d->bundle));
    jw_member_i64(&w, "files", (int64_t)d->manifest.count);
    jw_member_i64(&w, "new_files", d->new_files);
    jw_member_i64(&w, "bytes", d->manifest.bytes);
    jw_member_i64(&w, "devices", devices);
    jw_end_object(&w);
    cli_json(s->cli, buf_str(&s->text));
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* Says on stderr what changes. */
static void say_progress(struct cli *cli, const struct json *d, char said[LINE_BYTES])
{
    char line[LINE_BYTES];
    (void)snprintf(line, sizeof(line),
                   STR_FMT ": wave %lld; %lld of %lld healthy, %lld under way, %lld failed, %lld "
                           "rolled back, %lld away",
                   STR_ARG(item_str(d, "status")), (long long)item_count(d, "wave"),
                   (long long)item_count(d, "healthy"), (long long)item_count(d, "devices"),
                   (long long)item_count(d, "under_way"), (long long)item_count(d, "failed"),
                   (long long)item_count(d, "rolled_back"), (long long)item_count(d, "away"));
    if (strcmp(line, said) != 0) {
        (void)snprintf(said, LINE_BYTES, "%s", line);
        (void)fprintf(cli_err(cli), "%s\n", line);
    }
}

static bool how_it_ended(const struct json *d, struct str id, struct err *err)
{
    if (str_eq(item_str(d, "status"), STR("done"))) {
        return true;
    }
    (void)err_set(err, ERR_CANCELLED, "deployment " STR_FMT " was aborted: " STR_FMT, STR_ARG(id),
                  STR_ARG(item_str(d, "reason")));
    return err_hint(err, "what each device says: selvedge-hub deployments " STR_FMT, STR_ARG(id));
}

static bool wait_for_it(struct screen *s, struct str id, struct err *err)
{
    char said[LINE_BYTES] = "";
    const struct json *d = NULL;
    for (;;) {
        target_begin(&s->target, "/api/v1/deployments");
        target_part(&s->target, id, false);
        arena_reset(&s->arena);
        if (!screen_read(s, &d, NULL, err)) {
            return false;
        }
        say_progress(s->cli, d, said);
        if (item_wall(d, "ended_at").ns != 0) {
            return how_it_ended(d, id, err);
        }
        (void)poll(NULL, 0, LOOK_MS);
    }
}

/* --- the command ------------------------------------------------------------------------------ */

/* What is written wrong is told before anything is sent. */
static bool check_words(struct cli *cli, struct err *err)
{
    struct wave_sizes sizes;
    struct wave_rules rules;
    return wave_sizes_parse(str_from(cli_text(cli, "wave")), &sizes, err) &&
           wave_rules_parse(str_from(cli_text(cli, "abort-if")), &rules, err);
}

static bool deploy_it(struct deploying *d, struct err *err)
{
    struct screen *s = d->screen;
    const struct json *made = NULL;
    if (!check_words(s->cli, err) || !pack(d, err) || !give(d, &made, err)) {
        return false;
    }
    say(d, made);
    (void)fflush(cli_out(s->cli));
    struct str id = arena_copy(&d->arena, item_str(made, "deployment"));
    return !cli_bool(s->cli, "wait") || wait_for_it(s, id, err);
}

static bool deploy(struct screen *s, struct err *err)
{
    struct deploying d = {.screen = s,
                          .dir = cli_arg(s->cli, 0),
                          .arena = arena_new(FOLDER_ARENA_BYTES),
                          .text = buf_growing(BUNDLE_MANIFEST_BYTES)};
    s->count++;
    bool ok = deploy_it(&d, err);
    buf_release(&d.text);
    arena_release(&d.arena);
    return ok;
}

int command_deploy(struct cli *cli, void *ctx)
{
    (void)ctx;
    if (cli_text(cli, "to") == NULL) {
        return cli_usage(cli, "say which devices: --to '*', --to 'label:site=berlin', --to NAME");
    }
    return screen_command(cli, deploy, "");
}
