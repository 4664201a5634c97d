#include "agent/transform/postgres.h"

#include <string.h>

enum { WORDS_MAX = 4, WORD_BYTES_MAX = 24 };

struct words {
    char items[WORDS_MAX][WORD_BYTES_MAX]; /* lower case; longer ones are cut */
    size_t count;
};

/* Comments nest. */
static size_t skip_comment(struct str sql, size_t at)
{
    size_t depth = 0;
    do {
        if (sql.ptr[at] == '/' && at + 1 < sql.len && sql.ptr[at + 1] == '*') {
            depth++;
            at += 2;
        } else if (sql.ptr[at] == '*' && at + 1 < sql.len && sql.ptr[at + 1] == '/') {
            depth--;
            at += 2;
        } else {
            at++;
        }
    } while (depth > 0 && at < sql.len);
    return at;
}

static size_t skip_blank(struct str sql, size_t at)
{
    while (at < sql.len) {
        char next = at + 1 < sql.len ? sql.ptr[at + 1] : '\0';
        if (sql.ptr[at] == '-' && next == '-') {
            const char *end = memchr(sql.ptr + at, '\n', sql.len - at);
            at = end == NULL ? sql.len : (size_t)(end - sql.ptr) + 1;
        } else if (sql.ptr[at] == '/' && next == '*') {
            at = skip_comment(sql, at);
        } else if (memchr(" \t\r\n\f\v;", sql.ptr[at], 7) != NULL) {
            at++;
        } else {
            break;
        }
    }
    return at;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static struct words first_words(struct str sql)
{
    struct words words = {.count = 0};
    size_t at = skip_blank(sql, 0);
    while (at < sql.len && is_letter(sql.ptr[at]) && words.count < WORDS_MAX) {
        char *word = words.items[words.count++];
        for (size_t len = 0; at < sql.len && is_letter(sql.ptr[at]); at++) {
            char c = sql.ptr[at];
            if (len < WORD_BYTES_MAX - 1) {
                word[len++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
            }
        }
        at = skip_blank(sql, at);
    }
    return words;
}

static bool is_word(const struct words *words, size_t at, const char *word)
{
    return at < words->count && strcmp(words->items[at], word) == 0;
}

/* [RE]SET [SESSION | LOCAL] ROLE, ... SESSION AUTHORIZATION, SET TRANSACTION, ... */
static bool sets_user_or_transaction(const struct words *words)
{
    static const char *const pairs[][2] = {
        {"role", NULL},
        {"transaction", NULL},
        {"session", "authorization"},
        {"session", "characteristics"},
    };
    if (!is_word(words, 0, "set") && !is_word(words, 0, "reset")) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        for (size_t at = 1; at <= 2; at++) {
            bool is_scope = at == 1 || is_word(words, 1, "local") || is_word(words, 1, "session");
            if (is_scope && is_word(words, at, pairs[i][0]) &&
                (pairs[i][1] == NULL || is_word(words, at + 1, pairs[i][1]))) {
                return true;
            }
        }
    }
    return false;
}

static const char *refusal_of(const struct words *words)
{
    static const struct {
        const char *first, *second;
        const char *why;
    } refused[] = {
        {"begin", NULL, "begins or ends a transaction"},
        {"start", "transaction", "begins or ends a transaction"},
        {"commit", NULL, "begins or ends a transaction"},
        {"end", NULL, "begins or ends a transaction"},
        {"rollback", NULL, "begins or ends a transaction"},
        {"abort", NULL, "begins or ends a transaction"},
        {"savepoint", NULL, "begins or ends a transaction"},
        {"release", NULL, "begins or ends a transaction"},
        {"prepare", "transaction", "begins or ends a transaction"},
        {"copy", NULL, "is a COPY, of a file, a program or the connection itself"},
        {"load", NULL, "loads code into the server"},
        {"alter", "system", "changes the server's settings"},
        {"discard", NULL, "resets the session"},
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        if (is_word(words, 0, refused[i].first) &&
            (refused[i].second == NULL || is_word(words, 1, refused[i].second))) {
            return refused[i].why;
        }
    }
    return sets_user_or_transaction(words) ? "changes the user or the transaction" : NULL;
}

bool postgres_check_statement(struct str sql, struct err *err)
{
    struct words words = first_words(sql);
    const char *why = refusal_of(&words);
    if (why == NULL) {
        return true;
    }
    err_set(err, ERR_DENIED, "the SQL %s", why);
    return err_hint(err, "take it out of the project's SQL; a node is one transaction of one user");
}
