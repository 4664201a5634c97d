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

static void add_members(const struct automation_node *node, struct buf *out)
{
    buf_add_text(out, "\"name\":");
    add_json_text(out, node->name);
    if (node->label.len > 0) {
        buf_add_text(out, ",\"label\":");
        add_json_text(out, node->label);
    }
    buf_addf(out, ",\"operator\":\"%s\"", node->operation);
    add_flag(out, "true", node->is_true);
    add_flag(out, "candidate", node->is_candidate);
}

/* NOLINTNEXTLINE(misc-no-recursion): a tree is as deep as the conditions in automation_eval.c */
void automation_write_tree(const struct automation_node *tree, struct buf *out)
{
    buf_add_char(out, '{');
    add_members(tree, out);
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

/* NOLINTNEXTLINE(misc-no-recursion): as above */
static void add_nodes(const struct automation_node *node, int depth, struct buf *out)
{
    buf_addf(out, "%s{\"depth\":%d,", depth > 0 ? "," : "", depth);
    add_members(node, out);
    buf_add_char(out, '}');
    for (const struct automation_node *n = node->first; n != NULL; n = n->next) {
        add_nodes(n, depth + 1, out);
    }
}

void automation_write_nodes(const struct automation_node *tree, struct buf *out)
{
    buf_add_text(out, "{\"nodes\":[");
    add_nodes(tree, 0, out);
    buf_add_text(out, "]}");
}
