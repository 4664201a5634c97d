/* resolve.c - ${VAR}, ${VAR:-default} and ${secret:NAME} in a text. */
#include "agent/definitions/loader.h"

#include "agent/definitions/secrets.h"
#include "common/base/limits.h"
#include <string.h>

enum {
    RESOLVED_BYTES_MAX = 128 << 10, /* what Linux takes as one argument */
    SHOWN_BYTES_MAX = 80,           /* of a text in a message */
};

struct piece {
    struct str literal; /* or, when empty: */
    struct str name;
    struct str fallback;
    bool has_fallback;
    bool is_secret;
};

static bool is_variable_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return name.len > 0;
}

/* What stands between "${" and "}". */
static bool read_variable(struct str body, struct piece *ret, struct err *err)
{
    static const struct str separator = STR_INIT(":-");
    static const struct str secret = STR_INIT("secret:");
    if (str_starts(body, secret)) {
        *ret = (struct piece){.name = str_slice(body, secret.len, body.len), .is_secret = true};
        if (secret_name_is_valid(ret->name)) {
            return true;
        }
        (void)err_set(err, ERR_INVALID, "\"${" STR_FMT "}\" is not ${secret:NAME}",
                      STR_ARG(str_slice(body, 0, SHOWN_BYTES_MAX)));
        return err_hint(err,
                        "a name is 1 to %d letters, digits, '_', '-' and '.'; a secret has no "
                        "default",
                        LIMIT_NAME_BYTES);
    }
    const char *at =
        body.len == 0 ? NULL : memmem(body.ptr, body.len, separator.ptr, separator.len);
    *ret = (struct piece){.name = body};
    if (at != NULL) {
        size_t len = (size_t)(at - body.ptr);
        *ret = (struct piece){.name = str_slice(body, 0, len),
                              .fallback = str_slice(body, len + separator.len, body.len),
                              .has_fallback = true};
    }
    if (!is_variable_name(ret->name) || str_contains(ret->fallback, STR("${"))) {
        (void)err_set(err, ERR_INVALID, "\"${" STR_FMT "}\" is not ${VAR} or ${VAR:-default}",
                      STR_ARG(body));
        return err_hint(err, "a dollar sign itself is written $$");
    }
    return true;
}

/* Takes the first piece off a text that is not empty. */
static bool take_piece(struct str *rest, struct piece *ret, struct err *err)
{
    struct str head = STR_NONE;
    struct str tail = STR_NONE;
    bool has_dollar = str_cut(*rest, '$', &head, &tail);
    if (!has_dollar || head.len > 0) {
        *ret = (struct piece){.literal = head};
        *rest = str_slice(*rest, head.len, rest->len);
        return true;
    }
    if (tail.len > 0 && tail.ptr[0] == '{') {
        struct str body;
        struct str after;
        if (!str_cut(str_slice(tail, 1, tail.len), '}', &body, &after)) {
            (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" has no closing }", STR_ARG(*rest));
            return err_hint(err, "a dollar sign itself is written $$");
        }
        *rest = after;
        return read_variable(body, ret, err);
    }
    /* "$$", or a dollar sign that means nothing to us: a shell may want it. */
    bool is_double = tail.len > 0 && tail.ptr[0] == '$';
    *ret = (struct piece){.literal = STR("$")};
    *rest = str_slice(tail, is_double ? 1 : 0, tail.len);
    return true;
}

bool check_template(struct str text, enum secrets secrets, struct err *err)
{
    struct piece piece = {0};
    while (text.len > 0) {
        if (!take_piece(&text, &piece, err)) {
            return false;
        }
        if (piece.is_secret && secrets == SECRETS_REFUSED) {
            (void)err_set(err, ERR_DENIED, "${secret:" STR_FMT "} is not filled in here",
                          STR_ARG(piece.name));
            return err_hint(err, "secrets go into env, config, and what a resource marks for them");
        }
    }
    return true;
}

static bool add_secret(struct buf *out, struct str name, const struct env_lookup *env,
                       struct err *err)
{
    if (env->secrets == NULL) {
        return err_set(err, ERR_NOT_FOUND, "there are no secrets here: " STR_FMT, STR_ARG(name));
    }
    /* Room at once, so that no copy of a part is left behind by growing. */
    if (buf_reserve(out, RESOLVED_BYTES_MAX - out->len) == NULL) {
        return err_set(err, ERR_NO_MEMORY, "not enough memory for a secret");
    }
    return env->secrets->read(env->secrets->ctx, name, out, err);
}

static bool add_piece(struct buf *out, const struct piece *piece, const struct env_lookup *env,
                      struct err *err)
{
    if (piece->is_secret) {
        return add_secret(out, piece->name, env, err);
    }
    if (piece->literal.len > 0) {
        buf_add(out, piece->literal);
        return true;
    }
    struct str value = STR_NONE;
    bool is_set = env->get(env->ctx, piece->name, &value);
    if (!is_set && !piece->has_fallback) {
        (void)err_set(err, ERR_NOT_FOUND, "variable " STR_FMT " is not set", STR_ARG(piece->name));
        return err_hint(err, "set it, or give a default: ${" STR_FMT ":-...}",
                        STR_ARG(piece->name));
    }
    bool use_fallback = piece->has_fallback && value.len == 0;
    buf_add(out, use_fallback ? piece->fallback : value);
    return true;
}

/* The text filled in; *ret_secret: it holds a secret, and so may `out` even when this fails. */
static bool fill_in(struct str text, const struct env_lookup *env, struct buf *out,
                    bool *ret_secret, struct err *err)
{
    struct str rest = text;
    while (rest.len > 0) {
        struct piece piece = {0};
        if (!take_piece(&rest, &piece, err)) {
            return false;
        }
        *ret_secret = *ret_secret || piece.is_secret;
        if (!add_piece(out, &piece, env, err)) {
            return false;
        }
    }
    if (out->overflow) {
        return err_set(err, ERR_FULL, "\"" STR_FMT "\" is longer than %d bytes with its variables",
                       STR_ARG(str_slice(text, 0, SHOWN_BYTES_MAX)), RESOLVED_BYTES_MAX);
    }
    return true;
}

bool definitions_resolve_text(struct str text, const struct env_lookup *env, struct arena *arena,
                              struct str *ret, struct err *err)
{
    AUTO(buf) out = buf_growing(RESOLVED_BYTES_MAX);
    bool holds_secret = false;
    bool ok = fill_in(text, env, &out, &holds_secret, err);
    arena->is_secret = arena->is_secret || holds_secret;
    struct str copy = ok ? arena_copy(arena, buf_str(&out)) : STR_NONE;
    if (holds_secret) {
        buf_wipe(&out);
    }
    if (ok && copy.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "not enough memory to fill in variables");
    }
    if (ok) {
        *ret = copy;
    }
    return ok;
}

bool definitions_resolve_path(const struct definitions *defs, struct str text,
                              const struct env_lookup *env, struct arena *arena,
                              const char **ret_path, struct err *err)
{
    struct str path = STR_NONE;
    if (!definitions_resolve_text(text, env, arena, &path, err)) {
        return false;
    }
    if (path.len == 0) {
        return err_set(err, ERR_INVALID, "path \"" STR_FMT "\" is empty", STR_ARG(text));
    }
    if (path.ptr[0] != '/' && strcmp(defs->dir, ".") != 0) {
        path = arena_printf(arena, "%s/" STR_FMT, defs->dir, STR_ARG(path));
    }
    if (path.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "not enough memory for a path");
    }
    if (path.len > LIMIT_PATH_BYTES) {
        return err_set(err, ERR_INVALID, "path \"" STR_FMT "...\" is longer than %d bytes",
                       STR_ARG(str_slice(path, 0, SHOWN_BYTES_MAX)), LIMIT_PATH_BYTES);
    }
    *ret_path = path.ptr;
    return true;
}
