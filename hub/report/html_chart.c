/* html_chart.c - pictures that need no script, and the style sheet of the page: light and dark by the
 * reader's wish, and on paper. */
#include "hub/report/html.h"
#include "hub/report/report_list.h"

enum { WIDTH = 308, HEIGHT = 124, TOP = 16, FLOOR = 104, SLOT = WIDTH / REPORT_DAYS, BAR = 26 };

static int64_t positive(int64_t v)
{
    return v == HUB_UNKNOWN || v < 0 ? 0 : v;
}

static void add_bar(struct buf *out, const char *class, int x, double y, double height)
{
    if (height > 0) {
        buf_addf(out, "<rect class=\"%s\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\"/>",
                 class, x, y, BAR, height);
    }
}

static void add_slot(struct buf *out, const struct html_chart *chart, const struct report_day *day,
                     int slot, double scale)
{
    int64_t first = positive(chart->first(day));
    int64_t second = chart->second == NULL ? 0 : positive(chart->second(day));
    int x = slot * SLOT + (SLOT - BAR) / 2;
    double lower = (double)first * scale;
    double upper = (double)second * scale;
    upper = second > 0 && upper < 2 ? 2 : upper; /* one failure of many is seen */
    add_bar(out, "ok", x, FLOOR - lower, lower);
    add_bar(out, "bad", x, FLOOR - lower - upper, upper);
    if (first > 0 || second > 0) {
        buf_addf(out, "<text class=\"v\" x=\"%d\" y=\"%.1f\">", x + BAR / 2,
                 FLOOR - lower - upper - 4);
        chart->label(out, report_plus(first, second));
        buf_add(out, STR("</text>"));
    }
    buf_addf(out, "<text x=\"%d\" y=\"%d\">", x + BAR / 2, FLOOR + 14);
    char date[32];
    struct buf label = buf_fixed(date, sizeof(date));
    report_add_day(&label, day);
    buf_add(out, str_slice(buf_str(&label), 0, sizeof("Mon 23") - 1));
    buf_add(out, STR("</text>"));
}

void html_chart(struct buf *out, const struct report *r, const struct html_chart *chart)
{
    int64_t most = 1;
    for (int i = 0; i < REPORT_DAYS; i++) {
        int64_t second = chart->second == NULL ? 0 : positive(chart->second(&r->days[i]));
        int64_t sum = report_plus(positive(chart->first(&r->days[i])), second);
        most = sum > most ? sum : most;
    }
    buf_addf(out,
             "<figure><figcaption>%s</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\" "
             "aria-label=\"%s\"><line x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>",
             chart->title, WIDTH, HEIGHT, chart->title, FLOOR, WIDTH, FLOOR);
    for (int i = 0; i < REPORT_DAYS; i++) {
        add_slot(out, chart, &r->days[i], i, (FLOOR - TOP - 2) / (double)most);
    }
    buf_add(out, STR("</svg></figure>\n"));
}

const char html_style[] =
    ":root{color-scheme:light "
    "dark;--bg:#fff;--fg:#1c2430;--dim:#5d6b7c;--line:#dfe4ea;--card:#f5f7f9;"
    "--ok:#2f8f5b;--bad:#c8372d;--warn:#8a5200;--bar:#cfe0f5}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14181e;--fg:#e4e9ef;--dim:#98a5b4;--line:#"
    "2c3541;"
    "--card:#1c222b;--ok:#4fb87f;--bad:#f0685c;--warn:#e0a340;--bar:#294566}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);"
    "font:15px/1.45 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}"
    "main{max-width:62rem;margin:0 auto;padding:1.5rem 1.25rem 3rem}"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .6rem}"
    "header p,footer{color:var(--dim);margin:.15rem 0 0}footer{margin-top:2.5rem;font-size:.85rem}"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.75rem;"
    "margin:1.25rem 0 0}"
    ".tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.7rem "
    ".85rem}"
    ".tile "
    "b{display:block;font-size:1.45rem;white-space:nowrap;line-height:1.25;font-weight:600}.tile "
    "span{color:var(--dim);font-size:.85rem}"
    ".bad{color:var(--bad)}.warn{color:var(--warn)}.ok{color:var(--ok)}.dim{color:var(--dim)}"
    "ul.list{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}"
    "ul.list li{padding:.45rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}"
    "ul.attention li{padding-left:.8rem;border-left:3px solid var(--warn);margin:.4rem "
    "0;border-bottom:0}ul.attention li.is-bad{border-color:var(--bad)}"
    "dl{display:grid;grid-template-columns:6rem 1fr;gap:.3rem "
    ".8rem;margin:0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}"
    "ul.attention{border:0}"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(19rem,1fr));gap:1rem}"
    "figure{margin:0;background:var(--card);border:1px solid "
    "var(--line);border-radius:8px;padding:.7rem .85rem}"
    "figcaption{color:var(--dim);font-size:.85rem}svg{width:100%;height:auto;display:block}"
    "svg text{font:9px system-ui,sans-serif;fill:var(--dim);text-anchor:middle}svg "
    "text.v{fill:var(--fg)}"
    "svg line{stroke:var(--line)}rect.ok{fill:var(--ok)}rect.bad{fill:var(--bad)}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-"
    "nums}"
    "th,td{padding:.35rem .6rem;text-align:right;border-bottom:1px solid "
    "var(--line);white-space:nowrap}"
    "th{color:var(--dim);font-weight:600;font-size:.8rem}"
    "th:first-child,td:first-child{text-align:left;padding-left:0;white-space:normal;overflow-wrap:"
    "anywhere;min-width:9rem}"
    "td:last-child,th:last-child{padding-right:0}td.l,th.l{text-align:left;white-space:normal}"
    ".meter{display:block;height:4px;border-radius:2px;background:var(--bar);margin-top:3px}"
    "@media "
    "print{:root{color-scheme:light;--bg:#fff;--fg:#000;--dim:#444;--line:#bbb;--card:#fff;--ok:#"
    "2f8f5b;"
    "--bad:#b3261e;--warn:#8a5200;--bar:#c4d6ee}body{font-size:10.5pt;-webkit-print-color-adjust:"
    "exact;"
    "print-color-adjust:exact}main{max-width:none;padding:0}h2{break-after:avoid}tr,li,figure,."
    "tile{break-inside:avoid}"
    "thead{display:table-header-group}.charts{grid-template-columns:1fr "
    "1fr}.tiles{grid-template-columns:repeat(5,1fr)}"
    ".wide{overflow:visible}.tile b{font-size:1.2rem}@page{margin:16mm 14mm}}";
