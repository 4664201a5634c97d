#include "hub/report/report_write.h"

const char *const report_format_names[] = {"text", "html", "md", "json", "csv", NULL};

static const struct {
    const char *type, *extension;
} formats[REPORT_FORMATS] = {
    [REPORT_TEXT] = {"text/plain; charset=utf-8", "txt"},
    [REPORT_HTML] = {"text/html; charset=utf-8", "html"},
    [REPORT_MARKDOWN] = {"text/markdown; charset=utf-8", "md"},
    [REPORT_JSON] = {"application/json", "json"},
    [REPORT_CSV] = {"text/csv; charset=utf-8", "csv"},
};

bool report_format_from(struct str name, enum report_format *ret)
{
    for (int i = 0; i < REPORT_FORMATS; i++) {
        if (str_eq(name, str_from(report_format_names[i]))) {
            *ret = (enum report_format)i;
            return true;
        }
    }
    if (str_eq(name, STR("markdown"))) {
        *ret = REPORT_MARKDOWN;
        return true;
    }
    return false;
}

const char *report_format_type(enum report_format format)
{
    return formats[format].type;
}

const char *report_format_extension(enum report_format format)
{
    return formats[format].extension;
}

void report_write(const struct report *report, enum report_format format, struct buf *out)
{
    switch (format) {
    case REPORT_HTML:
        report_write_html(report, out);
        break;
    case REPORT_MARKDOWN:
        report_write_markdown(report, out);
        break;
    case REPORT_JSON:
        report_write_json(report, out);
        buf_add_char(out, '\n');
        break;
    case REPORT_CSV:
        report_write_csv(report, SECTION_ASSETS, out);
        break;
    case REPORT_TEXT:
    case REPORT_FORMATS:
        report_write_text(report, out);
        break;
    }
}
