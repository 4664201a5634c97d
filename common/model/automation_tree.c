#include "common/model/automation_eval.h"

static void add_json_text(struct buf *out, struct str text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < ' ' || c == '"' || c == '\\') {
            buf_addf(out, "\\u%04x", c);
        } else {
            buf_add_char(out, (char)c);
        }
    }
    buf_add_char(out, '"');
}

static void add_flag(struct buf *out, const char *name, bool value)
{
    buf_addf(out, ",\"%s\":%s", name, value ? "true" : "false");
}

/* NOLINTNEXTLINE(misc-no-recursion): a tree is as deep as the conditions in automation_eval.c */
void automation_write_tree(const struct automation_node *tree, struct buf *out)
{
    buf_add_text(out, "{\"name\":");
    add_json_text(out, tree->name);
    if (tree->label.len > 0) {
        buf_add_text(out, ",\"label\":");
        add_json_text(out, tree->label);
    }
    buf_addf(out, ",\"operator\":\"%s\"", tree->operation);
    add_flag(out, "true", tree->is_true);
    add_flag(out, "candidate", tree->is_candidate);
    if (tree->first != NULL) {
        buf_add_text(out, ",\"children\":[");
        for (const struct automation_node *n = tree->first; n != NULL; n = n->next) {
            if (n != tree->first) {
                buf_add_char(out, ',');
            }
            automation_write_tree(n, out);
        }
        buf_add_char(out, ']');
    }
    buf_add_char(out, '}');
}
