#include "hub/cli/freshness_cell.h"

enum { CELL_BYTES_MAX = 256 };

bool freshness_words(const struct freshness_list *list, struct str name, struct buf *out)
{
    const struct freshness_counts *counts = freshness_list_find(list, name);
    size_t before = out->len;
    int64_t total = 0;
    bool is_bad = false;
    for (int i = 0; counts != NULL && i < FRESH_COUNT; i++) {
        total += counts->of[i];
    }
    for (int i = FRESH_PASS + 1; counts != NULL && i < FRESH_COUNT; i++) {
        if (counts->of[i] > 0) {
            buf_add(out, out->len > before ? STR(", ") : STR(""));
            if (total > 1) {
                buf_addf(out, "%lld ", (long long)counts->of[i]);
            }
            buf_add_text(out, freshness_word((enum freshness_word)i));
            is_bad = is_bad || freshness_is_bad((enum freshness_word)i);
        }
    }
    if (total > 0 && out->len == before) {
        buf_add_text(out, freshness_word(FRESH_PASS));
    }
    return is_bad;
}

void freshness_cell(const struct freshness_list *list, struct table *t, struct str name)
{
    char memory[CELL_BYTES_MAX];
    struct buf text = buf_fixed(memory, sizeof(memory));
    bool is_bad = freshness_words(list, name, &text);
    table_tone(t, is_bad ? CLI_BAD : CLI_PLAIN, buf_str(&text));
}
