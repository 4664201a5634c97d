#include "agent/el/pg.h"

#include "agent/el/cancel.h"
#include "agent/el/pg_wait.h"
#include "common/base/time.h"
#include "common/platform/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_NS (15 * NS_PER_SEC)
enum { DSN_BYTES_MAX = 4096, TEXT_BYTES_MAX = 240 };

/* --- failures -------------------------------------------------------------------------------- */

/* By SQLSTATE, the longest that fits first
 * (https://www.postgresql.org/docs/15/errcodes-appendix.html). */
static enum err_code code_of(const char *sqlstate)
{
    static const struct {
        const char *state;
        enum err_code code;
    } codes[] = {
        {"3D000", ERR_NOT_FOUND}, {"3F000", ERR_NOT_FOUND}, {"42P01", ERR_NOT_FOUND},
        {"42501", ERR_DENIED},    {"25006", ERR_DENIED},    {"23505", ERR_EXISTS},
        {"53100", ERR_FULL},      {"53200", ERR_NO_MEMORY}, {"53300", ERR_BUSY},
        {"54", ERR_FULL},         {"55P03", ERR_BUSY},      {"57014", ERR_TIMEOUT},
        {"40", ERR_BUSY},         {"08", ERR_OFFLINE},      {"57P", ERR_OFFLINE},
        {"28", ERR_DENIED},       {"22", ERR_INVALID},      {"23", ERR_INVALID},
        {"42", ERR_INVALID},      {"0A", ERR_INVALID},      {"2B", ERR_INVALID},
        {"58", ERR_IO},           {"XX001", ERR_CORRUPT},   {"XX002", ERR_CORRUPT},
    };
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        if (str_starts(str_from(sqlstate), str_from(codes[i].state))) {
            return codes[i].code;
        }
    }
    return ERR_IO;
}

static const char *hint_of(enum err_code code)
{
    switch (code) {
    case ERR_OFFLINE:
        return "see whether the server runs and can be reached; the next run goes on where this "
               "one was";
    case ERR_DENIED:
        return "check user and password of the dsn, pg_hba.conf, and the user's rights";
    case ERR_BUSY:
        return "another program holds what is needed; try again";
    case ERR_FULL:
        return "make room on the server";
    case ERR_NONE:
    case ERR_INVALID:
    case ERR_NOT_FOUND:
    case ERR_EXISTS:
    case ERR_TIMEOUT:
    case ERR_CORRUPT:
    case ERR_IO:
    case ERR_NO_MEMORY:
    case ERR_CANCELLED:
    case ERR_INTERNAL:
    default:
        return NULL;
    }
}

static bool fail(struct pg *pg, const char *sqlstate, const char *text, struct err *err)
{
    (void)snprintf(pg->sqlstate, sizeof(pg->sqlstate), "%s", sqlstate);
    enum err_code code = sqlstate[0] == '\0' ? ERR_OFFLINE : code_of(sqlstate);
    err_set(err, code, "PostgreSQL: %s%s%s%s", text, sqlstate[0] == '\0' ? "" : " (SQLSTATE ",
            sqlstate, sqlstate[0] == '\0' ? "" : ")");
    const char *hint = hint_of(code);
    return hint == NULL ? false : err_hint(err, "%s", hint);
}

/* One line of libpq's message, which may have several. */
static void one_line(const char *message, char text[static TEXT_BYTES_MAX])
{
    struct str rest = str_trim(str_from(message));
    struct str clipped = str_clip(rest, TEXT_BYTES_MAX - 1);
    for (size_t i = 0; i < clipped.len; i++) {
        char c = clipped.ptr[i];
        text[i] = c;
        if (c == '\n' || c == '\t') {
            text[i] = ' ';
        }
    }
    text[clipped.len] = '\0';
}

/* The server names the column of a bad value only in words: "COPY t, line 3, column v: "x"". */
static void add_column(const char *context, char text[static TEXT_BYTES_MAX])
{
    const char *at = context == NULL ? NULL : strstr(context, ", column ");
    const char *end = at == NULL ? NULL : strstr(at, ": ");
    if (end != NULL) {
        char before[TEXT_BYTES_MAX];
        struct str name = {at + strlen(", column "), (size_t)(end - at) - strlen(", column ")};
        memcpy(before, text, sizeof(before));
        (void)snprintf(text, TEXT_BYTES_MAX, "column \"" STR_FMT "\": %.150s", STR_ARG(name),
                       before);
    }
}

/* What depends on the thing that was to be dropped stands only in the detail. */
static void add_needed(const struct pg *pg, const PGresult *result, const char *state,
                       char text[static TEXT_BYTES_MAX])
{
    const char *detail = pg->lib->PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    if (detail != NULL && strcmp(state, "2BP01") == 0) {
        char more[TEXT_BYTES_MAX];
        size_t len = strlen(text);
        one_line(detail, more);
        (void)snprintf(text + len, TEXT_BYTES_MAX - len, ": %.150s", more);
    }
}

/* "COPY t, line 3, column v: ..." */
static void note_line(struct pg *pg, const char *context)
{
    const char *at = context == NULL ? NULL : strstr(context, ", line ");
    if (at == NULL || strncmp(context, "COPY ", 5) != 0) {
        return;
    }
    struct str digits = str_from(at + strlen(", line "));
    size_t len = strspn(digits.ptr, "0123456789");
    if (!str_to_i64(str_slice(digits, 0, len), 1, INT64_MAX, &pg->copy_line)) {
        pg->copy_line = 0;
    }
}

/* What went wrong with a statement; without a result, or without a SQLSTATE, the connection did. */
static bool explain(struct pg *pg, const PGresult *result, struct err *err)
{
    char text[TEXT_BYTES_MAX];
    const char *state = pg->lib->PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = pg->lib->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (state == NULL || message == NULL) {
        one_line(pg->lib->PQerrorMessage(pg->connection), text);
        return fail(pg, "", text[0] == '\0' ? "the connection was lost" : text, err);
    }
    one_line(message, text);
    const char *context = pg->lib->PQresultErrorField(result, PG_DIAG_CONTEXT);
    note_line(pg, context);
    add_column(context, text);
    add_needed(pg, result, state, text);
    return fail(pg, state, text, err);
}

bool pg_failed_with(const struct pg *pg, const char *sqlstate)
{
    return str_eq(str_from(pg->sqlstate), str_from(sqlstate));
}

bool pg_is_lost(const struct pg *pg)
{
    return pg->connection == NULL || pg->lib->PQstatus(pg->connection) == CONNECTION_BAD;
}

bool pg_is_in_transaction(const struct pg *pg)
{
    return pg->lib->PQtransactionStatus(pg->connection) != PQTRANS_IDLE;
}

bool pg_is_transaction_failed(const struct pg *pg)
{
    return pg->lib->PQtransactionStatus(pg->connection) == PQTRANS_INERROR;
}

/* --- the connection -------------------------------------------------------------------------- */

/* libpq takes "postgres://me:se/cret@host" for host "me", port "se", and says so: refused before its
 * messages can show a part of a password that is not percent-encoded. */
static bool check_uri(struct str dsn, struct err *err)
{
    struct str scheme;
    struct str rest;
    if (!(str_starts(dsn, STR("postgres://")) || str_starts(dsn, STR("postgresql://")))) {
        return true;
    }
    (void)str_cut(dsn, ':', &scheme, &rest);
    rest = str_slice(rest, 2, rest.len);
    size_t at_signs = 0;
    bool is_path = false;
    bool is_wrong = false;
    for (size_t i = 0; i < rest.len; i++) {
        char c = rest.ptr[i];
        is_path = is_path || c == '/' || c == '?';
        at_signs += c == '@';
        is_wrong = is_wrong || at_signs > 1 || (c == '@' && is_path);
    }
    if (is_wrong) {
        err_set(err, ERR_INVALID, "the dsn cannot be read: an \"@\" or \"/\" too many");
        return err_hint(err, "percent-encode what is special in user and password: @ is %%40, / is "
                             "%%2F, ? is %%3F, : is %%3A, %% is %%25");
    }
    return true;
}

/* libpq's own message would show what it could not read, perhaps of a password. */
static bool check_dsn(const struct pg_library *lib, struct str dsn, const char *text,
                      struct err *err)
{
    if (dsn.len == 0 || dsn.len >= DSN_BYTES_MAX || memchr(dsn.ptr, '\0', dsn.len) != NULL) {
        return err_set(err, ERR_INVALID, "\"dsn\" is missing, or longer than %d bytes",
                       DSN_BYTES_MAX - 1);
    }
    if (!check_uri(dsn, err)) {
        return false;
    }
    char *message = NULL;
    PQconninfoOption *parsed = lib->PQconninfoParse(text, &message);
    lib->PQfreemem(message);
    lib->PQconninfoFree(parsed);
    if (parsed == NULL) {
        err_set(err, ERR_INVALID, "the dsn cannot be read");
        return err_hint(err, "write postgresql://user@host:5432/database, or host=... user=... "
                             "dbname=...; words with spaces in single quotes");
    }
    return true;
}

static void ignore_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

static bool wait_for(int fd, PostgresPollingStatusType what, int64_t deadline_ns, struct err *err)
{
    struct clock clock = clock_system();
    struct pollfd wanted = {.fd = fd, .events = what == PGRES_POLLING_READING ? POLLIN : POLLOUT};
    int64_t left_ns = deadline_ns - clock_mono(&clock).ns;
    int n = left_ns <= 0 ? 0 : poll(&wanted, 1, (int)(left_ns / NS_PER_MS) + 1);
    if (cancel_requested()) {
        return cancel_error(err);
    }
    if (n == 0) {
        err_set(err, ERR_OFFLINE, "PostgreSQL: no answer within %d s",
                (int)(CONNECT_NS / NS_PER_SEC));
        return err_hint(err, "%s", hint_of(ERR_OFFLINE));
    }
    return n > 0 || errno == EINTR || err_errno(err, errno, "wait for PostgreSQL");
}

/* A refusal's SQLSTATE stands only in its text, "FATAL:  28P01: password ...", with this verbosity.
 */
static bool explain_connect(struct pg *pg, struct err *err)
{
    char text[TEXT_BYTES_MAX];
    char state[6] = "";
    const char *message = pg->lib->PQerrorMessage(pg->connection);
    const char *at = strstr(message, ":  ");
    if (at != NULL && strlen(at) > 10 && at[8] == ':' && at[9] == ' ') {
        memcpy(state, at + 3, 5);
        message = at + 10;
    }
    struct str first;
    struct str rest;
    (void)str_cut(str_trim(str_from(message)), '\n', &first, &rest);
    (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(str_clip(first, sizeof(text) - 1)));
    return fail(pg, state, text, err);
}

static bool connect_to(struct pg *pg, const char *dsn, struct err *err)
{
    /* What comes before the dsn it may change; what comes behind stays. */
    const char *const keywords[] = {"tcp_user_timeout",          "keepalives_idle", "dbname",
                                    "fallback_application_name", "client_encoding", NULL};
    const char *const values[] = {"60000", "30", dsn, "selvedge-el", "UTF8", NULL};
    struct clock clock = clock_system();
    int64_t deadline_ns = clock_mono(&clock).ns + CONNECT_NS;
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    pg->connection = pg->lib->PQconnectStartParams(keywords, values, 1);
    if (pg->connection == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a connection");
    }
    (void)pg->lib->PQsetErrorVerbosity(pg->connection, PQERRORS_VERBOSE);
    (void)pg->lib->PQsetNoticeProcessor(pg->connection, ignore_notice, NULL);
    while (pg->lib->PQstatus(pg->connection) != CONNECTION_BAD) {
        if (!wait_for(pg->lib->PQsocket(pg->connection), next, deadline_ns, err)) {
            return false;
        }
        next = pg->lib->PQconnectPoll(pg->connection);
        if (next == PGRES_POLLING_OK) {
            return true;
        }
        if (next == PGRES_POLLING_FAILED) {
            break;
        }
    }
    return explain_connect(pg, err);
}

static bool open_with(struct pg *pg, struct str dsn, const char *settings, struct err *err)
{
    char text[DSN_BYTES_MAX];
    (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(dsn));
    *pg = (struct pg){0};
    bool ok = pg_library_load(&pg->lib, err) && check_dsn(pg->lib, dsn, text, err) &&
              connect_to(pg, text, err) && pg_exec_text(pg, settings, err);
    if (!ok) {
        pg_close(pg);
    }
    return ok;
}

/* A lock that others hold is waited for, not for ever; a slow source may keep a transaction open. */
#define PATIENCE                                                                                   \
    "SET client_min_messages = warning; SET lock_timeout = '30s'; SET statement_timeout = 0; "     \
    "SET idle_in_transaction_session_timeout = 0; SET DateStyle = ISO; SET "                       \
    "standard_conforming_strings = on"

bool pg_open(struct pg *pg, struct str dsn, struct err *err)
{
    /* Text as this program writes and reads it, whatever the server's settings. */
    return open_with(pg, dsn,
                     PATIENCE
                     "; SET IntervalStyle = postgres; SET bytea_output = hex; SET TimeZone "
                     "= UTC; SET extra_float_digits = 3",
                     err);
}

bool pg_open_for_project(struct pg *pg, struct str dsn, struct err *err)
{
    return open_with(pg, dsn, PATIENCE, err);
}

void pg_close(struct pg *pg)
{
    if (pg->connection != NULL) {
        pg->lib->PQfreemem(pg->row);
        pg->lib->PQfinish(pg->connection);
        pg->connection = NULL;
        pg->row = NULL;
    }
}

struct str pg_database(const struct pg *pg)
{
    return str_from(pg->lib->PQdb(pg->connection));
}

int pg_server_version(const struct pg *pg)
{
    return pg->lib->PQserverVersion(pg->connection);
}

/* --- statements ------------------------------------------------------------------------------ */

static bool check_result(struct pg *pg, PGresult *result, ExecStatusType wanted, struct err *err)
{
    ExecStatusType status = pg->lib->PQresultStatus(result);
    if (status == wanted || (wanted == PGRES_COMMAND_OK && status == PGRES_TUPLES_OK)) {
        return true;
    }
    (void)explain(pg, result, err);
    pg->lib->PQclear(result);
    return cancel_requested() ? cancel_error(err) : false;
}

static bool take_count(struct pg *pg, PGresult *result, int64_t *ret_rows)
{
    if (ret_rows != NULL &&
        !str_to_i64(str_from(pg->lib->PQcmdTuples(result)), 0, INT64_MAX, ret_rows)) {
        *ret_rows = 0;
    }
    pg->lib->PQclear(result);
    return true;
}

static bool exec_text(struct pg *pg, const char *sql, int64_t *ret_rows, struct err *err)
{
    PGresult *result = pg_run(pg, sql);
    return check_result(pg, result, PGRES_COMMAND_OK, err) && take_count(pg, result, ret_rows);
}

bool pg_exec_text(struct pg *pg, const char *sql, struct err *err)
{
    return exec_text(pg, sql, NULL, err);
}

bool pg_exec(struct pg *pg, struct buf *sql, int64_t *ret_rows, struct err *err)
{
    const char *text = buf_cstr(sql);
    if (text == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a statement");
    }
    return exec_text(pg, text, ret_rows, err);
}

bool pg_exec_single(struct pg *pg, const char *sql, int64_t *ret_rows, struct err *err)
{
    PGresult *result = pg_run_params(pg, sql, NULL, 0);
    return check_result(pg, result, PGRES_COMMAND_OK, err) && take_count(pg, result, ret_rows);
}

bool pg_query(struct pg *pg, const char *sql, const char *const *params, size_t count,
              struct pg_rows *ret, struct err *err)
{
    PGresult *result = pg_run_params(pg, sql, params, count);
    if (!check_result(pg, result, PGRES_TUPLES_OK, err)) {
        return false;
    }
    *ret = (struct pg_rows){.lib = pg->lib, .result = result, .count = pg->lib->PQntuples(result)};
    return true;
}

int pg_rows_columns(const struct pg_rows *rows)
{
    return rows->lib->PQnfields(rows->result);
}

struct str pg_rows_name(const struct pg_rows *rows, int column)
{
    return str_from(rows->lib->PQfname(rows->result, column));
}

unsigned pg_rows_type(const struct pg_rows *rows, int column)
{
    return rows->lib->PQftype(rows->result, column);
}

struct str pg_rows_get(const struct pg_rows *rows, int row, int column)
{
    if (rows->lib->PQgetisnull(rows->result, row, column) != 0) {
        return STR_NONE;
    }
    return (struct str){rows->lib->PQgetvalue(rows->result, row, column),
                        (size_t)rows->lib->PQgetlength(rows->result, row, column)};
}

void pg_rows_release(struct pg_rows *rows)
{
    if (rows->result != NULL) {
        rows->lib->PQclear(rows->result);
        rows->result = NULL;
    }
}

bool pg_query_each(struct pg *pg, const char *sql, pg_take *take, void *ctx, struct err *err)
{
    if (!pg_send_rows(pg, sql)) {
        return explain(pg, NULL, err);
    }
    bool ok = true;
    for (;;) {
        struct pg_rows row = {.lib = pg->lib, .result = pg_get_result(pg), .count = 1};
        ExecStatusType status = pg->lib->PQresultStatus(row.result);
        if (row.result == NULL) {
            return ok;
        }
        if (ok && status == PGRES_SINGLE_TUPLE) {
            ok = take(ctx, &row, err);
            if (!ok) {
                pg_stop(pg);
            }
        } else if (ok && status != PGRES_TUPLES_OK) {
            ok = false;
            (void)explain(pg, row.result, err);
            (void)(cancel_requested() && cancel_error(err));
        }
        pg_rows_release(&row);
    }
}

/* --- COPY ------------------------------------------------------------------------------------ */

bool pg_copy_begin(struct pg *pg, struct buf *sql, struct err *err)
{
    const char *text = buf_cstr(sql);
    if (text == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a statement");
    }
    PGresult *result = pg_run(pg, text);
    ExecStatusType status = pg->lib->PQresultStatus(result);
    if (status != PGRES_COPY_IN && status != PGRES_COPY_OUT) {
        (void)explain(pg, result, err);
        pg->lib->PQclear(result);
        return false;
    }
    pg->lib->PQclear(result);
    return true;
}

/* The result that ends a COPY, and nothing behind it. */
static bool finish_copy(struct pg *pg, int64_t *ret_rows, struct err *err)
{
    PGresult *result = pg_get_result(pg);
    if (!check_result(pg, result, PGRES_COMMAND_OK, err)) {
        return false;
    }
    (void)take_count(pg, result, ret_rows);
    result = pg_get_result(pg);
    if (result == NULL) {
        return true;
    }
    (void)explain(pg, result, err);
    pg->lib->PQclear(result);
    return false;
}

bool pg_copy_put(struct pg *pg, struct str lines, struct err *err)
{
    return pg->lib->PQputCopyData(pg->connection, lines.ptr, (int)lines.len) == 1 ||
           explain(pg, NULL, err);
}

bool pg_copy_end(struct pg *pg, int64_t *ret_rows, struct err *err)
{
    if (pg->lib->PQputCopyEnd(pg->connection, NULL) != 1) {
        return explain(pg, NULL, err);
    }
    return finish_copy(pg, ret_rows, err);
}

bool pg_copy_next(struct pg *pg, char **ret_line, size_t *ret_len, struct err *err)
{
    pg->lib->PQfreemem(pg->row);
    pg->row = NULL;
    int len = pg_get_copy_data(pg, &pg->row);
    *ret_line = len > 0 ? pg->row : NULL;
    *ret_len = len > 0 ? (size_t)len : 0;
    if (len > 0) {
        return true;
    }
    return len == -1 ? finish_copy(pg, NULL, err) : explain(pg, NULL, err);
}

/* --- text of statements ---------------------------------------------------------------------- */

static void add_quoted(struct buf *sql, struct str text, char quote)
{
    buf_add_char(sql, quote);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == quote) {
            buf_add_char(sql, quote);
        }
        buf_add_char(sql, c);
    }
    buf_add_char(sql, quote);
}

void pg_add_identifier(struct buf *sql, struct str name)
{
    add_quoted(sql, name, '"');
}

/* standard_conforming_strings is on: a backslash is a backslash. */
void pg_add_literal(struct buf *sql, struct str text)
{
    add_quoted(sql, text, '\'');
}

bool pg_check_name(const char *what, struct str name, struct err *err)
{
    if (name.len == 0) {
        return err_set(err, ERR_INVALID, "\"%s\" is missing", what);
    }
    if (name.len > PG_NAME_BYTES_MAX) {
        err_set(err, ERR_INVALID,
                "the %s name \"" STR_FMT "\" is longer than PostgreSQL's %d bytes", what,
                STR_ARG(name), PG_NAME_BYTES_MAX);
        return err_hint(err, "rename it at the source, or choose another name");
    }
    if (!str_is_utf8(name) || memchr(name.ptr, '\0', name.len) != NULL) {
        return err_set(err, ERR_INVALID, "the %s name \"" STR_FMT "\" is not UTF-8", what,
                       STR_ARG(name));
    }
    return true;
}
