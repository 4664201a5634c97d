#include "agent/el/checks.h"

#include "agent/el/cancel.h"
#include "agent/el/connectors.h"

static bool is_zero(struct str text)
{
    double number = 1;
    return str_to_double(text, &number) && !(number < 0 || number > 0);
}

/* Neither NULL nor 0 nor empty, as a number or as a text. */
static bool has_passed(const struct value *answer)
{
    switch (answer->type) {
    case VALUE_NULL:
        return false;
    case VALUE_INTEGER:
        return answer->as.integer != 0;
    case VALUE_REAL:
        return answer->as.real < 0 || answer->as.real > 0;
    case VALUE_TEXT:
        return answer->as.text.len > 0 && !is_zero(answer->as.text);
    case VALUE_BLOB:
        break;
    }
    return answer->as.text.len > 0;
}

/* The database that the step has written; options NULL when it is none that answers queries. */
static const struct target_ops *own_database(const struct request *r, const void **ret_options,
                                             struct target_options *memory)
{
    if (r->kind == STEP_SQL) {
        *memory = (struct target_options){.path = r->path};
        *ret_options = memory;
        return &target_sqlite;
    }
    *ret_options = r->load;
    return r->target;
}

static bool ask(const struct request *r, const struct check_options *check, struct arena *arena,
                struct value *ret, struct err *err)
{
    struct target_options memory;
    const void *options = check->database_options;
    const struct target_ops *database = check->database;
    if (database == NULL) {
        database = own_database(r, &options, &memory);
    }
    if (database == NULL || database->ask == NULL) {
        err_set(err, ERR_INVALID, "the step writes no database that the check could ask");
        return err_hint(err, "name one: \"database\"");
    }
    if (!database->ask(options, check->sql, arena, ret, err)) {
        return false;
    }
    if (ret->type == VALUE_NULL) {
        err_set(err, ERR_INVALID, "the check's SQL gives no value");
        return err_hint(err, "select one number: 0 = failed, anything else = passed");
    }
    return true;
}

bool checks_run(const struct request *request, struct arena *arena, struct report *report)
{
    const struct check_options *checks = request->checks.items;
    for (size_t i = 0; i < request->checks.count && !cancel_requested(); i++) {
        struct err err = {0};
        struct value answer = {.type = VALUE_NULL};
        bool ok = ask(request, &checks[i], arena, &answer, &err);
        if (ok || !cancel_requested()) {
            report_check(report, &checks[i], ok && has_passed(&answer), &answer,
                         ok ? STR("") : str_from(err.msg));
        }
    }
    return !cancel_requested();
}
