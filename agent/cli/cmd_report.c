/* cmd_report.c - what somebody outside says of an asset: by a running daemon, or here. */
#include "agent/cli/here.h"

#include "agent/daemon/control.h"
#include "common/json/json_writer.h"

enum { REQUEST_BYTES_MAX = 128 << 10, METADATA_BYTES_MAX = 48 << 10, TREE_BYTES_MAX = 1 << 20 };

/* --- metadata ------------------------------------------------------------------------------- */

static bool is_json(struct str value)
{
    AUTO(arena) arena = arena_new(TREE_BYTES_MAX);
    struct json *parsed = NULL;
    struct err none = {0};
    bool looks_so = str_starts(value, STR("{")) || str_starts(value, STR("["));
    return looks_so && json_parse(value, METADATA_BYTES_MAX, &arena, &parsed, &none);
}

/* The type that the text has: a number, true or false, JSON; else it is a text. */
static void add_value(struct json_writer *w, struct str value)
{
    int64_t integer = 0;
    double real = 0;
    bool is_bool = str_eq(value, STR("true")) || str_eq(value, STR("false"));
    jw_begin_object(w);
    if (str_to_i64(value, INT64_MIN, INT64_MAX, &integer)) {
        jw_member_str(w, "type", STR("int"));
        jw_member_i64(w, "raw_value", integer);
    } else if (str_to_double(value, &real)) {
        jw_member_str(w, "type", STR("float"));
        jw_member_double(w, "raw_value", real);
    } else if (is_bool) {
        jw_member_str(w, "type", STR("bool"));
        jw_member_bool(w, "raw_value", str_eq(value, STR("true")));
    } else if (is_json(value)) {
        jw_member_str(w, "type", STR("json"));
        jw_member_raw(w, "raw_value", value);
    } else {
        jw_member_str(w, "type", STR("text"));
        jw_member_str(w, "raw_value", value);
    }
    jw_end_object(w);
}

/* False: one is not NAME=VALUE. */
static bool read_metadata(struct cli *cli, struct buf *out)
{
    struct json_writer w = json_writer(out);
    const char *text = NULL;
    jw_begin_object(&w);
    for (size_t i = 0; (text = cli_values(cli, "metadata", i)) != NULL; i++) {
        struct str name = STR_NONE;
        struct str value = STR_NONE;
        if (!str_cut(str_from(text), '=', &name, &value) || str_is_empty(name)) {
            return false;
        }
        jw_key(&w, name);
        add_value(&w, value);
    }
    jw_end_object(&w);
    return true;
}

/* --- who does it ---------------------------------------------------------------------------- */

static bool act(struct agent *agent, void *ctx, struct err *err)
{
    return agent_report(agent, ctx, err);
}

static void write_request(const struct agent_report *report, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "verb", STR("report"));
    jw_member_str(&w, "type", str_from(event_type_name(report->type)));
    jw_member_str(&w, "asset", report->asset);
    jw_member_opt(&w, "partition", report->partition);
    jw_member_opt(&w, "data_version", report->data_version);
    jw_member_opt(&w, "check", report->check);
    jw_member_opt(&w, "severity", report->severity);
    jw_member_bool(&w, "passed", report->passed);
    jw_member_raw(&w, "metadata", report->metadata);
    jw_end_object(&w);
}

static int report_it(struct cli *cli, struct settings *settings, struct agent_report *report)
{
    AUTO(buf) request = buf_growing(REQUEST_BYTES_MAX);
    struct json *reply = NULL;
    struct err err = {0};
    int code = CLI_OK;
    write_request(report, &request);
    if (!control_call(settings->state_dir, buf_str(&request), &settings->arena, &reply, &err)) {
        code = err.code == ERR_OFFLINE ? here_do(cli, settings, act, report) : cli_error(cli, &err);
    }
    if (code == CLI_OK && cli_is_json(cli)) {
        AUTO(buf) out = buf_growing(4096);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        jw_member_str(&w, "asset", report->asset);
        jw_member_str(&w, "type", str_from(event_type_name(report->type)));
        jw_end_object(&w);
        cli_json(cli, buf_str(&out));
    } else if (code == CLI_OK) {
        cli_printf(cli, "recorded  %s of " STR_FMT "\n",
                   report->type == EVENT_ASSET_MATERIALIZATION ? "a materialization"
                   : report->type == EVENT_ASSET_OBSERVATION   ? "an observation"
                                                               : "a check",
                   STR_ARG(report->asset));
    }
    return code;
}

static int report_asked(struct cli *cli, struct agent_report *report)
{
    AUTO(buf) metadata = buf_growing(METADATA_BYTES_MAX);
    struct settings settings;
    int code = CLI_OK;
    report->asset = str_from(cli_arg(cli, 0));
    if (!read_metadata(cli, &metadata)) {
        return cli_usage(cli, "--metadata takes NAME=VALUE");
    }
    if (metadata.overflow) {
        return cli_usage(cli, "the metadata is longer than %d KiB", METADATA_BYTES_MAX >> 10);
    }
    report->metadata = buf_str(&metadata);
    if (settings_load(cli, &settings, &code)) {
        code = report_it(cli, &settings, report);
    }
    settings_release(&settings);
    return code;
}

/* --- the commands --------------------------------------------------------------------------- */

int command_report_materialization(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct agent_report report = {.type = EVENT_ASSET_MATERIALIZATION,
                                  .partition = str_from(cli_text(cli, "partition")),
                                  .data_version = str_from(cli_text(cli, "data-version"))};
    return report_asked(cli, &report);
}

int command_report_observation(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct agent_report report = {.type = EVENT_ASSET_OBSERVATION,
                                  .partition = str_from(cli_text(cli, "partition")),
                                  .data_version = str_from(cli_text(cli, "data-version"))};
    return report_asked(cli, &report);
}

int command_report_check(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct agent_report report = {.type = EVENT_ASSET_CHECK_EVALUATION,
                                  .check = str_from(cli_text(cli, "check")),
                                  .severity = str_from(cli_text(cli, "severity")),
                                  .passed = str_eq(str_from(cli_text(cli, "passed")), STR("true"))};
    if (str_is_empty(report.check) || cli_text(cli, "passed") == NULL) {
        return cli_usage(cli, "a check is reported with --check NAME and --passed true or false");
    }
    return report_asked(cli, &report);
}
