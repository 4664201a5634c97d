/* html.h - for the files of this folder that write HTML: text made harmless, and pictures. */
#pragma once
#include "hub/report/report_words.h"

void html_text(struct buf *out, struct str text); /* escaped, control characters as spaces */
/* Bars of the seven days as SVG: what went well, and what failed on top of it; `second` may be NULL. */
struct html_chart {
    const char *title;
    int64_t (*first)(const struct report_day *day);
    int64_t (*second)(const struct report_day *day);
    void (*label)(struct buf *out, int64_t value);
};
void html_chart(struct buf *out, const struct report *r, const struct html_chart *chart);
extern const char html_style[];
