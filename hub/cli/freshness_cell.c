#include "hub/cli/freshness_cell.h"

enum { CELL_BYTES_MAX = 256 };

void freshness_cell(const struct freshness_list *list, struct table *t, struct str name)
{
    const struct freshness_counts *counts = freshness_list_find(list, name);
    char memory[CELL_BYTES_MAX];
    struct buf text = buf_fixed(memory, sizeof(memory));
    int64_t total = 0;
    bool is_bad = false;
    for (int i = 0; counts != NULL && i < FRESH_COUNT; i++) {
        total += counts->of[i];
    }
    for (int i = FRESH_PASS + 1; counts != NULL && i < FRESH_COUNT; i++) {
        if (counts->of[i] > 0) {
            buf_add(&text, text.len > 0 ? STR(", ") : STR(""));
            if (total > 1) {
                buf_addf(&text, "%lld ", (long long)counts->of[i]);
            }
            buf_add_text(&text, freshness_word((enum freshness_word)i));
            is_bad = is_bad || freshness_is_bad((enum freshness_word)i);
        }
    }
    if (total > 0 && text.len == 0) {
        buf_add_text(&text, freshness_word(FRESH_PASS));
    }
    table_tone(t, is_bad ? CLI_BAD : CLI_PLAIN, buf_str(&text));
}
