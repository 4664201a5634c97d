#include "agent/cli/asset_graph.h"

enum { DEPTH_MAX = 40 };

static bool has_chosen_dep(const struct asset_graph *g, uint32_t asset)
{
    const struct graph_node *node = &g->defs->graph.nodes[asset];
    size_t i = 0;
    while (i < node->dep_count && !g->set[node->deps[i]]) {
        i++;
    }
    return i < node->dep_count;
}

static bool is_external(const struct asset_graph *g, uint32_t asset)
{
    return g->defs->assets[asset].work == ASSET_EXTERNAL;
}

/* --- a tree --------------------------------------------------------------------------------- */

/* One level of the branch that is being written. */
struct level {
    uint32_t asset;
    size_t next; /* child to look at */
};
struct branch {
    const struct asset_graph *g;
    struct buf *out;
    bool *is_shown;
    uint32_t *later; /* roots of further trees: too deep for the one before */
    size_t later_count;
    struct level levels[DEPTH_MAX + 1];
    size_t depth;
};

/* The next chosen child from `from` on; child_count when there is none. */
static size_t chosen_child(const struct asset_graph *g, uint32_t asset, size_t from)
{
    const struct graph_node *node = &g->defs->graph.nodes[asset];
    while (from < node->child_count && !g->set[node->children[from]]) {
        from++;
    }
    return from;
}

static bool has_more(const struct branch *b, size_t level)
{
    const struct level *l = &b->levels[level];
    return chosen_child(b->g, l->asset, l->next) < b->g->defs->graph.nodes[l->asset].child_count;
}

static void add_line(struct branch *b, uint32_t asset, const char *mark)
{
    for (size_t i = 0; i + 1 < b->depth; i++) {
        buf_add_text(b->out, has_more(b, i) ? "│   " : "    ");
    }
    if (b->depth > 0) {
        buf_add_text(b->out, has_more(b, b->depth - 1) ? "├── " : "└── ");
    }
    buf_add(b->out, b->g->defs->assets[asset].key);
    if (is_external(b->g, asset)) {
        buf_add_text(b->out, " (external)");
    }
    if (b->g->add_note != NULL && *mark == '\0') {
        b->g->add_note(b->g->ctx, asset, b->out);
    }
    buf_add_text(b->out, mark);
    buf_add_char(b->out, '\n');
}

/* Shows an asset below the present branch, and goes down into it. */
static void visit(struct branch *b, uint32_t asset)
{
    bool has_children = chosen_child(b->g, asset, 0) < b->g->defs->graph.nodes[asset].child_count;
    if (b->is_shown[asset]) {
        add_line(b, asset, has_children ? " (above)" : "");
        return;
    }
    if (b->depth == DEPTH_MAX && has_children) {
        add_line(b, asset, " (below)");
        b->is_shown[asset] = true;
        b->later[b->later_count++] = asset;
        return;
    }
    add_line(b, asset, "");
    b->is_shown[asset] = true;
    if (has_children) {
        b->levels[b->depth++] = (struct level){.asset = asset};
    }
}

static void grow(struct branch *b, uint32_t root)
{
    b->depth = 0;
    visit(b, root);
    while (b->depth > 0) {
        struct level *top = &b->levels[b->depth - 1];
        const struct graph_node *node = &b->g->defs->graph.nodes[top->asset];
        size_t child = chosen_child(b->g, top->asset, top->next);
        if (child == node->child_count) {
            b->depth--;
            continue;
        }
        top->next = child + 1;
        visit(b, node->children[child]);
    }
}

bool asset_graph_tree(const struct asset_graph *g, struct arena *arena, struct buf *out,
                      struct err *err)
{
    size_t count = g->defs->asset_count;
    struct branch *b = arena_alloc(arena, sizeof(*b));
    bool *is_shown = arena_array(arena, count + 1, sizeof(*is_shown));
    uint32_t *later = arena_array(arena, count + 1, sizeof(*later));
    if (b == NULL || is_shown == NULL || later == NULL) {
        return err_set(err, ERR_NO_MEMORY, "draw the graph: out of memory");
    }
    *b = (struct branch){.g = g, .out = out, .is_shown = is_shown, .later = later};
    for (uint32_t i = 0; i < count; i++) {
        if (g->set[i] && !has_chosen_dep(g, i)) {
            grow(b, i);
        }
    }
    for (size_t i = 0; i < b->later_count; i++) {
        b->is_shown[later[i]] = false;
        grow(b, later[i]);
    }
    return !out->overflow || err_set(err, ERR_NO_MEMORY, "draw the graph: out of memory");
}

/* --- for other programs --------------------------------------------------------------------- */

/* The chosen assets by group, groups in the order of their first member. */
struct groups {
    uint32_t *first;
    size_t count;
    uint32_t *next; /* member of the same group; LAST_MEMBER ends it */
};
#define LAST_MEMBER UINT32_MAX

static bool find_groups(const struct asset_graph *g, struct arena *arena, struct groups *ret,
                        struct err *err)
{
    size_t count = g->defs->asset_count;
    struct strmap numbers = strmap_new(arena);
    uint32_t *last = arena_array(arena, count + 1, sizeof(*last));
    *ret = (struct groups){.first = arena_array(arena, count + 1, sizeof(*ret->first)),
                           .next = arena_array(arena, count + 1, sizeof(*ret->next))};
    bool ok = last != NULL && ret->first != NULL && ret->next != NULL;
    for (uint32_t i = 0; ok && i < count; i++) {
        uint32_t group = 0;
        ret->next[i] = LAST_MEMBER;
        if (!g->set[i]) {
            continue;
        }
        if (strmap_get(&numbers, g->defs->assets[i].group, &group)) {
            ret->next[last[group]] = i;
        } else {
            group = (uint32_t)ret->count;
            ret->first[ret->count++] = i;
            ok = strmap_put(&numbers, g->defs->assets[i].group, group);
        }
        last[group] = i;
    }
    return ok || err_set(err, ERR_NO_MEMORY, "draw the graph: out of memory");
}

static void each_edge(const struct asset_graph *g, struct buf *out, const char *arrow,
                      void (*add_id)(const struct asset_graph *g, uint32_t asset, struct buf *out))
{
    for (uint32_t i = 0; i < g->defs->asset_count; i++) {
        const struct graph_node *node = &g->defs->graph.nodes[i];
        for (size_t d = 0; g->set[i] && d < node->dep_count; d++) {
            if (g->set[node->deps[d]]) {
                buf_add_text(out, "  ");
                add_id(g, node->deps[d], out);
                buf_add_text(out, arrow);
                add_id(g, i, out);
                buf_add_char(out, '\n');
            }
        }
    }
}

static void add_dot_text(struct buf *out, struct str text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\') {
            buf_add_char(out, '\\');
        }
        buf_add(out, text.ptr[i] == '\n' ? STR(" ") : str_slice(text, i, i + 1));
    }
    buf_add_char(out, '"');
}

static void add_dot_id(const struct asset_graph *g, uint32_t asset, struct buf *out)
{
    add_dot_text(out, g->defs->assets[asset].key);
}

static void add_dot_group(const struct asset_graph *g, const struct groups *groups, uint32_t first,
                          struct buf *out)
{
    buf_addf(out, "  subgraph cluster_%u {\n    label=", first);
    add_dot_text(out, g->defs->assets[first].group);
    buf_add_text(out, ";\n");
    for (uint32_t i = first; i != LAST_MEMBER; i = groups->next[i]) {
        buf_add_text(out, "    ");
        add_dot_id(g, i, out);
        buf_add_text(out, is_external(g, i) ? " [style=\"rounded,dashed\"];\n" : ";\n");
    }
    buf_add_text(out, "  }\n");
}

static bool is_drawn(const struct buf *out, struct err *err)
{
    return !out->overflow || err_set(err, ERR_NO_MEMORY, "draw the graph: out of memory");
}

bool asset_graph_dot(const struct asset_graph *g, struct arena *arena, struct buf *out,
                     struct err *err)
{
    struct groups groups;
    if (!find_groups(g, arena, &groups, err)) {
        return false;
    }
    buf_add_text(out, "digraph ");
    add_dot_text(out, g->defs->project);
    buf_add_text(out, " {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n");
    for (size_t i = 0; i < groups.count; i++) {
        add_dot_group(g, &groups, groups.first[i], out);
    }
    each_edge(g, out, " -> ", add_dot_id);
    buf_add_text(out, "}\n");
    return is_drawn(out, err);
}

/* Mermaid knows no escapes in quotes but entities. */
static void add_mermaid_text(struct buf *out, struct str text)
{
    static const char special[] = "\"#;&<>\\`\n";
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        bool is_special = false;
        for (const char *c = special; *c != '\0'; c++) {
            is_special = is_special || text.ptr[i] == *c;
        }
        if (is_special) {
            buf_addf(out, "#%d;", (unsigned char)text.ptr[i]);
        } else {
            buf_add_char(out, text.ptr[i]);
        }
    }
    buf_add_char(out, '"');
}

static void add_mermaid_id(const struct asset_graph *g, uint32_t asset, struct buf *out)
{
    (void)g;
    buf_addf(out, "a%u", asset);
}

static void add_mermaid_group(const struct asset_graph *g, const struct groups *groups,
                              uint32_t first, struct buf *out)
{
    buf_addf(out, "  subgraph g%u [", first);
    add_mermaid_text(out, g->defs->assets[first].group);
    buf_add_text(out, "]\n");
    for (uint32_t i = first; i != LAST_MEMBER; i = groups->next[i]) {
        buf_addf(out, "    a%u[", i);
        add_mermaid_text(out, g->defs->assets[i].key);
        buf_add_text(out, is_external(g, i) ? "]:::external\n" : "]\n");
    }
    buf_add_text(out, "  end\n");
}

bool asset_graph_mermaid(const struct asset_graph *g, struct arena *arena, struct buf *out,
                         struct err *err)
{
    struct groups groups;
    if (!find_groups(g, arena, &groups, err)) {
        return false;
    }
    buf_add_text(out, "flowchart LR\n");
    for (size_t i = 0; i < groups.count; i++) {
        add_mermaid_group(g, &groups, groups.first[i], out);
    }
    each_edge(g, out, " --> ", add_mermaid_id);
    buf_add_text(out, "  classDef external stroke-dasharray: 5 5\n");
    return is_drawn(out, err);
}
