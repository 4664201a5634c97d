/* step.c - a block with everything that running it takes. */
#include "agent/meltano/reading.h"

#include "common/base/limits.h"

static const struct json *value_of(const struct meltano_setup *setup, struct str name,
                                   enum json_type type)
{
    const struct meltano_value *value = meltano_find_value(setup, name);
    return value != NULL && value->value != NULL && value->value->type == type ? value->value
                                                                               : NULL;
}

static struct str text_of(const struct meltano_setup *setup, struct str name)
{
    const struct json *value = value_of(setup, name, JSON_STRING);
    return value == NULL ? STR_NONE : value->as.string;
}

static bool is_capable(const struct str_list *capabilities, struct str word)
{
    for (size_t i = 0; i < capabilities->count; i++) {
        if (str_eq(capabilities->items[i], word)) {
            return true;
        }
    }
    return false;
}

/* --- asset keys --- */

/* Where the target puts the tables, by the names that targets give the setting; else who it is. */
struct str meltano_place_of(const struct meltano_setup *target)
{
    static const char *const names[] = {"default_target_schema", "target_schema", "schema",
                                        "schema_name",           "dataset",       "dataset_id"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct str text = text_of(target, str_from(names[i]));
        if (text.len > 0) {
            return text;
        }
    }
    return target->plugin->name;
}

static void add_part(struct buf *out, struct str part)
{
    size_t start = out->len;
    for (size_t i = 0; i < part.len; i++) {
        char c = part.ptr[i];
        bool is_letter = ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
        bool is_kept = is_letter || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
        buf_add(out, is_kept ? str_slice(part, i, i + 1) : STR("_"));
    }
    struct str written = str_slice(buf_str(out), start, out->len);
    if (written.len == 0 || str_eq(written, STR(".")) || str_eq(written, STR(".."))) {
        buf_add_char(out, '_'); /* "." and ".." are no parts of a key */
    }
}

struct str meltano_asset_key(struct str place, struct str stream, struct arena *arena)
{
    AUTO(buf) out = buf_growing(LIMIT_ASSET_KEY_BYTES);
    add_part(&out, place);
    buf_add_char(&out, '/');
    add_part(&out, stream);
    return out.overflow ? STR_NONE : arena_copy(arena, buf_str(&out));
}

static bool name_assets(struct meltano_step *step, struct arena *arena, struct err *err)
{
    const struct meltano_setup *tap = &step->processes[0].setup;
    const struct meltano_setup *target = &step->processes[step->process_count - 1].setup;
    size_t count = step->streams.count > 0 ? step->streams.count : 1;
    step->assets.items = arena_array(arena, count, sizeof(struct str));
    for (size_t i = 0; step->assets.items != NULL && i < count; i++) {
        struct str stream = step->streams.count > 0 ? step->streams.items[i] : tap->plugin->name;
        struct str key = meltano_asset_key(meltano_place_of(target), stream, arena);
        if (key.ptr == NULL && !arena->exhausted) {
            return err_set(err, ERR_INVALID,
                           "stream " STR_FMT ": its asset key has more than %d "
                           "bytes",
                           STR_ARG(str_clip(stream, 80)), LIMIT_ASSET_KEY_BYTES);
        }
        step->assets.items[step->assets.count++] = key;
    }
    return true;
}

/* --- steps --- */

static void take_rules(struct meltano_step *step, struct arena *arena)
{
    const struct meltano_setup *tap = &step->processes[0].setup;
    struct str_list capabilities = meltano_capabilities_of(tap->plugin, arena);
    step->streams = meltano_streams(tap, arena);
    step->select = value_of(tap, STR("_select"), JSON_ARRAY);
    step->select_filter = value_of(tap, STR("_select_filter"), JSON_ARRAY);
    step->metadata = value_of(tap, STR("_metadata"), JSON_OBJECT);
    step->schema = value_of(tap, STR("_schema"), JSON_OBJECT);
    step->catalog = text_of(tap, STR("_catalog"));
    step->state = text_of(tap, STR("_state"));
    step->takes_catalog = is_capable(&capabilities, STR("catalog"));
    step->takes_properties = is_capable(&capabilities, STR("properties"));
    step->takes_state = is_capable(&capabilities, STR("state"));
}

static bool set_up_all(const struct meltano_context *context, const struct meltano_block *block,
                       struct arena *arena, struct meltano_step *step, struct err *err)
{
    for (size_t i = 0; i < block->plugin_count; i++) {
        struct meltano_process *process = &step->processes[i];
        const struct meltano_setup *before = i == 0 ? NULL : &step->processes[i - 1].setup;
        if (!meltano_set_up(context, block->plugins[i], before, arena, &process->setup, err) ||
            !meltano_program(context, &process->setup, block->command, arena, &process->argv,
                             err)) {
            return false;
        }
        step->process_count++;
    }
    return true;
}

bool meltano_make_step(const struct meltano_context *context, const struct meltano_block *block,
                       struct arena *arena, struct meltano_step *ret, struct err *err)
{
    struct problems problems = {.arena = arena,
                                .files = context->project->files,
                                .file_count = context->project->file_count};
    struct meltano_context strict = *context;
    strict.problems = &problems;
    *ret = (struct meltano_step){0};
    if (!set_up_all(&strict, block, arena, ret, err)) {
        return false;
    }
    if (problems.total > 0) {
        return problems_to_err(&problems, err);
    }
    if (meltano_is_el(block)) {
        ret->state_id = meltano_state_id(context, block, arena);
        take_rules(ret, arena);
        if (!name_assets(ret, arena, err)) {
            return false;
        }
    }
    return !arena->exhausted ||
           err_set(err, ERR_FULL, "the block needs more memory than is set aside");
}
