/* catalog_rules_peer.c - our catalog rules, for catalog_rules_test.py: a line of standard input is
 * {"catalog", "rules": {"select", "select_filter", "metadata", "schema"}, "handwritten"}, the line that
 * answers {"catalog", "selected"} or {"error"}. */
#include "agent/meltano/catalog.h"
#include "common/json/json_verbatim.h"
#include "common/json/json_writer.h"
#include <stdio.h>
#include <stdlib.h>

static const struct json *rule_of(const struct json *question, const char *key)
{
    return json_get(json_get(question, "rules"), key);
}

static bool answer(struct json *question, struct arena *arena, struct buf *out, struct err *err)
{
    struct json *catalog = question->child; /* the first member */
    const struct json *handwritten = json_get(question, "handwritten");
    struct catalog_streams streams;
    const struct catalog_rules rules = {.select = rule_of(question, "select"),
                                        .select_filter = rule_of(question, "select_filter"),
                                        .metadata = rule_of(question, "metadata"),
                                        .schema = rule_of(question, "schema"),
                                        .is_handwritten =
                                            handwritten != NULL && handwritten->as.boolean};
    if (!catalog_apply(catalog, &rules, arena, err) ||
        !catalog_selected(catalog, arena, &streams, err)) {
        return false;
    }
    buf_add(out, STR("{\"catalog\":"));
    if (!json_verbatim_write(out, catalog, err)) {
        return false;
    }
    buf_add(out, STR(",\"selected\":["));
    for (size_t i = 0; i < streams.count; i++) {
        struct json_writer w = json_writer(out);
        buf_add(out, i > 0 ? STR(",") : STR(""));
        jw_str(&w, streams.items[i].id);
    }
    buf_add(out, STR("]}"));
    return true;
}

static void answer_line(struct str line, struct buf *out)
{
    struct err err = {0};
    struct json *question = NULL;
    AUTO(arena) arena = arena_new(CATALOG_MEMORY_MAX);
    buf_reset(out);
    if (!json_verbatim_read(line, CATALOG_TEXT_BYTES_MAX, &arena, &question, &err) ||
        !answer(question, &arena, out, &err)) {
        struct json_writer w = json_writer(out);
        buf_reset(out);
        jw_begin_object(&w);
        jw_member_str(&w, "error", str_from(err.msg));
        jw_end_object(&w);
    }
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t length = 0;
    AUTO(buf) out = buf_growing((size_t)CATALOG_TEXT_BYTES_MAX * 2);
    while ((length = getline(&line, &cap, stdin)) > 0) {
        answer_line((struct str){line, (size_t)length}, &out);
        (void)fwrite(out.ptr, 1, out.len, stdout);
        (void)putchar('\n');
    }
    free(line);
    return ferror(stdout) != 0;
}
