/* report_write.h - a report as others read it. Writes into a buffer, whose overflow shows there.
 * Pure. */
#pragma once
#include "hub/report/report.h"

enum report_format {
    REPORT_TEXT, /* 80 columns */
    REPORT_HTML, /* one file that needs nothing else; no script */
    REPORT_MARKDOWN,
    REPORT_JSON, /* docs/reference/reports.md */
    REPORT_CSV,
    REPORT_FORMATS
};
extern const char *const report_format_names[]; /* "text", "html", "md", "json", "csv", NULL */
bool report_format_from(struct str name, enum report_format *ret);
const char *report_format_type(enum report_format format);      /* "text/html; charset=utf-8" */
const char *report_format_extension(enum report_format format); /* "txt" */

/* What a CSV file is of: one section, a row each. */
enum report_section {
    SECTION_ASSETS,
    SECTION_GROUPS,
    SECTION_LOADS, /* assets in groups */
    SECTION_DEVICES,
    SECTION_TROUBLES, /* what fails, is late or was not passed */
    SECTION_DAYS,
    SECTION_LOSSES,
    SECTION_ALERTS,
    SECTION_COUNT
};
const char *report_section_name(enum report_section section);
bool report_section_from(struct str name, enum report_section *ret);

void report_write(const struct report *report, enum report_format format, struct buf *out);
void report_write_csv(const struct report *report, enum report_section section, struct buf *out);

/* Its first line is a heading, as is each behind an empty one that is not indented. */
void report_write_text(const struct report *report, struct buf *out);
void report_write_html(const struct report *report, struct buf *out);
void report_write_markdown(const struct report *report, struct buf *out);
void report_write_json(const struct report *report, struct buf *out);

/* "shops: 2 things need attention; 98.3 % of runs succeeded": one line of at most 200 bytes. */
void report_write_subject(const struct report *report, struct buf *out);
