/* freshness_cell.h - how fresh assets are, counted by asset or by device, as a column of lists. */
#pragma once
#include "common/cli/table.h"
#include "hub/rows/freshness_list.h"

/* "fresh", "late", or what is wrong: "2 failed, 1 device away"; nothing where there is no policy. True:
 * one is bad. */
bool freshness_words(const struct freshness_list *list, struct str name, struct buf *out);
void freshness_cell(const struct freshness_list *list, struct table *t, struct str name);
