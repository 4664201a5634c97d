#include "common/model/partition_sql.h"

static const struct str names[PARTITION_WORD_COUNT] = {
    [PARTITION_WORD_KEY] = STR_INIT("partition_key"),
    [PARTITION_WORD_KEYS] = STR_INIT("partition_keys"),
    [PARTITION_WORD_START] = STR_INIT("partition_start"),
    [PARTITION_WORD_END] = STR_INIT("partition_end"),
    [PARTITION_WORD_START_UTC] = STR_INIT("partition_start_utc"),
    [PARTITION_WORD_END_UTC] = STR_INIT("partition_end_utc"),
};

static size_t skip_blanks(struct str text, size_t i)
{
    while (i < text.len && (text.ptr[i] == ' ' || (text.ptr[i] >= '\t' && text.ptr[i] <= '\r'))) {
        i++;
    }
    return i;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* What stands at the front of `text` between braces when it is a single word. Looks no further than
 * that word, so that a text of braces costs no more than any other. */
static bool take_name(struct str text, struct str *ret_name, size_t *ret_len)
{
    if (!str_starts(text, STR("{{"))) {
        return false;
    }
    size_t start = skip_blanks(text, 2);
    size_t end = start;
    while (end < text.len && is_letter(text.ptr[end])) {
        end++;
    }
    size_t close = skip_blanks(text, end);
    if (end == start || !str_starts(str_slice(text, close, text.len), STR("}}"))) {
        return false;
    }
    *ret_name = str_slice(text, start, end);
    *ret_len = close + 2;
    return true;
}

bool partition_sql_next(struct str *rest, struct str *ret_before, struct str *ret_name)
{
    struct str text = *rest;
    for (size_t i = 0; i < text.len; i++) {
        size_t len = 0;
        if (take_name(str_slice(text, i, text.len), ret_name, &len)) {
            *ret_before = str_slice(text, 0, i);
            *rest = str_slice(text, i + len, text.len);
            return true;
        }
    }
    *ret_before = text;
    *rest = STR_NONE;
    return false;
}

bool partition_word_from(struct str name, enum partition_kind kind, enum partition_word *ret,
                         struct err *err)
{
    size_t word = 0;
    while (word < PARTITION_WORD_COUNT && !str_eq(name, names[word])) {
        word++;
    }
    if (kind == PARTITION_NONE) {
        return err_set(err, ERR_INVALID, "{{ " STR_FMT " }} in SQL goes with partitions only",
                       STR_ARG(name));
    }
    if (word == PARTITION_WORD_COUNT) {
        (void)err_set(err, ERR_INVALID, "{{ " STR_FMT " }} in SQL is not known", STR_ARG(name));
        return err_hint(err, "partition_key, partition_keys, partition_start, partition_end, "
                             "partition_start_utc, partition_end_utc");
    }
    if (word >= PARTITION_WORD_START && kind != PARTITION_TIME) {
        return err_set(err, ERR_INVALID,
                       "{{ " STR_FMT " }} in SQL: the partitions are no windows of time",
                       STR_ARG(name));
    }
    *ret = (enum partition_word)word;
    return true;
}
