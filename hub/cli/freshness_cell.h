/* freshness_cell.h - how fresh assets are, counted by asset or by device, as a column of lists. */
#pragma once
#include "common/cli/table.h"
#include "hub/rows/freshness_list.h"

/* "fresh", "late", or what is wrong: "2 failed, 1 device away"; "-" where there is no policy. */
void freshness_cell(const struct freshness_list *list, struct table *t, struct str name);
