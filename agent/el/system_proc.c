/* What /proc tells: processor, memory, network, uptime (proc(5)). */
#include "agent/el/system_sample.h"

static bool next_line(struct str *text, struct str *ret_line)
{
    if (text->len == 0) {
        return false;
    }
    (void)str_cut(*text, '\n', ret_line, text);
    return true;
}

/* --- processor ------------------------------------------------------------------------------- */

static const char *const mode_names[CPU_MODES] = {"cpu_user",    "cpu_nice",   "cpu_system",
                                                  "cpu_idle",    "cpu_iowait", "cpu_irq",
                                                  "cpu_softirq", "cpu_steal"};

/* "cpu  1 2 3 ..." for all processors together, then one line for each. Old kernels have fewer
 * modes; guests are counted in user and nice already. */
static bool read_ticks(struct sample *s, struct cpu_ticks *ret, int64_t *ret_cpus)
{
    struct str text;
    struct str line;
    struct str word;
    bool is_found = false;
    *ret_cpus = 0;
    if (!sample_file(s, &text, "%s/stat", s->proc)) {
        return false;
    }
    while (next_line(&text, &line)) {
        if (!sample_word(&line, &word) || !str_starts(word, STR("cpu"))) {
            continue;
        }
        if (word.len > 3) {
            ++*ret_cpus;
            continue;
        }
        size_t mode = 0;
        while (mode < CPU_MODES && sample_word_number(&line, &ret->of[mode])) {
            mode++;
        }
        is_found = mode > CPU_IDLE;
    }
    return is_found;
}

/* The load averages; the rest of the line is of no interest. */
static void add_load(struct sample *s)
{
    static const char *const names[] = {"load_1m", "load_5m", "load_15m"};
    struct str text;
    struct str word;
    double value = 0;
    if (!sample_file(s, &text, "%s/loadavg", s->proc)) {
        return;
    }
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (!sample_word(&text, &word) || !str_to_double(word, &value)) {
            return;
        }
        sample_add(s, names[i], STR(""), value, "processes");
    }
}

void sample_cpu(struct sample *s, struct cpu_ticks *ticks, struct mono_time now)
{
    struct cpu_ticks read = {.at = now};
    int64_t cpus = 0;
    add_load(s);
    if (!read_ticks(s, &read, &cpus)) {
        return;
    }
    /* The kernel lets iowait and idle go back at times: that counts as nothing. */
    double passed[CPU_MODES] = {0};
    double all = 0;
    for (size_t i = 0; i < CPU_MODES; i++) {
        passed[i] = read.of[i] > ticks->of[i] ? (double)(read.of[i] - ticks->of[i]) : 0;
        all += passed[i];
    }
    double seconds = (double)(now.ns - ticks->at.ns) / (double)NS_PER_SEC;
    *ticks = read;
    if (cpus > 0) {
        sample_add(s, "cpu_count", STR(""), (double)cpus, "processors");
    }
    if (all <= 0) {
        return;
    }
    for (size_t i = 0; i < CPU_MODES; i++) {
        sample_add(s, mode_names[i], STR(""), 100 * passed[i] / all, "percent");
    }
    double idle = passed[CPU_IDLE] + passed[CPU_IOWAIT];
    sample_add(s, "cpu_used", STR(""), 100 * (all - idle) / all, "percent");
    sample_add(s, "cpu_interval", STR(""), seconds, "seconds");
}

/* --- memory ---------------------------------------------------------------------------------- */

enum memory_line { MEM_TOTAL, MEM_FREE, MEM_AVAILABLE, SWAP_TOTAL, SWAP_FREE, MEMORY_LINES };
static const char *const memory_keys[MEMORY_LINES] = {
    "MemTotal:", "MemFree:", "MemAvailable:", "SwapTotal:", "SwapFree:"};

static void add_bytes(struct sample *s, const char *name, const int64_t *kib, int line)
{
    if (kib[line] >= 0) {
        sample_add(s, name, STR(""), (double)kib[line] * 1024, "bytes");
    }
}

static void add_used(struct sample *s, const char *name, const int64_t *kib, int total, int rest)
{
    if (kib[total] >= 0 && kib[rest] >= 0 && kib[rest] <= kib[total]) {
        sample_add(s, name, STR(""), (double)(kib[total] - kib[rest]) * 1024, "bytes");
    }
}

void sample_memory(struct sample *s)
{
    int64_t kib[MEMORY_LINES] = {-1, -1, -1, -1, -1};
    struct str text;
    struct str line;
    struct str word;
    if (!sample_file(s, &text, "%s/meminfo", s->proc)) {
        return;
    }
    while (next_line(&text, &line)) {
        if (!sample_word(&line, &word)) {
            continue;
        }
        for (size_t i = 0; i < MEMORY_LINES; i++) {
            if (str_eq(word, str_from(memory_keys[i])) && !sample_word_number(&line, &kib[i])) {
                kib[i] = -1;
            }
        }
    }
    add_bytes(s, "memory_total", kib, MEM_TOTAL);
    add_bytes(s, "memory_free", kib, MEM_FREE);
    add_bytes(s, "memory_available", kib, MEM_AVAILABLE);
    add_used(s, "memory_used", kib, MEM_TOTAL, MEM_AVAILABLE);
    add_bytes(s, "swap_total", kib, SWAP_TOTAL);
    add_used(s, "swap_used", kib, SWAP_TOTAL, SWAP_FREE);
}

/* --- network --------------------------------------------------------------------------------- */

/* The columns of /proc/net/dev that are kept: eight received, then eight sent. */
enum { NETWORK_COLUMNS = 16 };
static const struct {
    size_t column;
    const char *name;
    const char *unit;
} network_rows[] = {
    {0, "network_received_bytes", "bytes"},    {1, "network_received_packets", "packets"},
    {2, "network_received_errors", "packets"}, {3, "network_received_dropped", "packets"},
    {8, "network_sent_bytes", "bytes"},        {9, "network_sent_packets", "packets"},
    {10, "network_sent_errors", "packets"},    {11, "network_sent_dropped", "packets"},
};

/* Whether the interface has a link. Some drivers know nothing of operstate (RFC 2863). */
static void add_link(struct sample *s, struct str interface)
{
    struct str text;
    int64_t carrier = 0;
    if (!sample_file(s, &text, "%s/class/net/" STR_FMT "/operstate", s->sys, STR_ARG(interface))) {
        return;
    }
    struct str word = str_trim(text);
    bool is_up = str_eq(word, STR("up"));
    if (str_eq(word, STR("unknown"))) {
        if (!sample_number(s, &carrier, "%s/class/net/" STR_FMT "/carrier", s->sys,
                           STR_ARG(interface))) {
            return;
        }
        is_up = carrier == 1;
    }
    sample_add(s, "network_up", interface, is_up ? 1 : 0, "boolean");
}

static void add_interface(struct sample *s, struct str interface, struct str counters)
{
    int64_t values[NETWORK_COLUMNS];
    for (size_t i = 0; i < NETWORK_COLUMNS; i++) {
        if (!sample_word_number(&counters, &values[i])) {
            return;
        }
    }
    for (size_t i = 0; i < COUNT_OF(network_rows); i++) {
        sample_add(s, network_rows[i].name, interface, (double)values[network_rows[i].column],
                   network_rows[i].unit);
    }
}

void sample_network(struct sample *s)
{
    struct str text;
    struct str line;
    if (!sample_file(s, &text, "%s/net/dev", s->proc)) {
        return;
    }
    size_t first = s->count;
    while (next_line(&text, &line)) {
        struct str name;
        struct str counters;
        /* Not the two lines of headings, which have no colon; an alias has one in its name. */
        if (!str_cut_last(line, ':', &name, &counters) || str_eq(str_trim(name), STR("lo"))) {
            continue;
        }
        add_interface(s, str_trim(name), counters);
    }
    size_t end = s->count;
    for (size_t i = first; i < end; i += COUNT_OF(network_rows)) {
        add_link(s, s->measurements[i].label);
    }
}

/* --- clock ----------------------------------------------------------------------------------- */

void sample_clock(struct sample *s, bool is_synced)
{
    struct str text;
    struct str word;
    double uptime = 0;
    if (sample_file(s, &text, "%s/uptime", s->proc) && sample_word(&text, &word) &&
        str_to_double(word, &uptime)) {
        sample_add(s, "uptime", STR(""), uptime, "seconds");
    }
    sample_add(s, "clock_synchronised", STR(""), is_synced ? 1 : 0, "boolean");
}
