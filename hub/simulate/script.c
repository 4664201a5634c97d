#include "hub/simulate/script.h"

#include "common/base/uuid.h"
#include "common/tls/identity.h"
#include <assert.h>
#include <string.h>

static const char project[] = "simulated";
enum { MATERIALIZED = 4, WALL_TEXT = WALL_TEXT_SIZE };

uint64_t script_mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

void script_plan(struct script *s, int64_t first, struct wall_time begin, int64_t step_ns)
{
    assert(s->parts < SCRIPT_PARTS_MAX);
    s->part[s->parts++] = (struct script_part){first, begin, step_ns};
}

struct wall_time script_time(const struct script *s, int64_t run)
{
    for (size_t i = s->parts; i > 0; i--) {
        const struct script_part *part = &s->part[i - 1];
        if (run >= part->first) {
            return (struct wall_time){part->begin.ns + (run - part->first) * part->step_ns};
        }
    }
    return s->born;
}

int64_t script_run_of(int64_t seq)
{
    return seq <= SCRIPT_PROLOGUE ? -1 : (seq - SCRIPT_PROLOGUE - 1) / SCRIPT_RUN;
}

int64_t script_last_seq(int64_t runs)
{
    return SCRIPT_PROLOGUE + runs * SCRIPT_RUN;
}

int64_t script_materialization_seq(int64_t run)
{
    return script_last_seq(run) + MATERIALIZED + 1;
}

/* Ten that are loaded, and ten made of them. */
static void asset_key(int64_t number, char ret[16])
{
    struct buf text = buf_fixed(ret, 16);
    buf_addf(&text, "%s/a%02d", number < SCRIPT_ASSETS / 2 ? "raw" : "shop",
             (int)(number % (SCRIPT_ASSETS / 2)));
    (void)buf_cstr(&text);
}

void script_asset(int64_t run, char ret[16])
{
    asset_key(run % SCRIPT_ASSETS, ret);
}

static void add_assets(struct buf *out)
{
    for (int i = 0; i < SCRIPT_ASSETS; i++) {
        char key[16];
        char dep[16];
        asset_key(i, key);
        asset_key(i % (SCRIPT_ASSETS / 2), dep);
        buf_addf(out, "%s{\"key\":\"%s\"", i == 0 ? "" : ",", key);
        if (i >= SCRIPT_ASSETS / 2) {
            buf_addf(out, ",\"deps\":[\"%s\"]", dep);
        }
        buf_addf(out, ",\"group\":\"%s\",\"kinds\":[\"%s\",\"sqlite\"],\"jobs\":[\"refresh\"]}",
                 i < SCRIPT_ASSETS / 2 ? "raw" : "shop", i < SCRIPT_ASSETS / 2 ? "tap" : "sql");
    }
}

void script_definitions_hash(char ret[65])
{
    AUTO(buf) text = buf_growing(8 << 10);
    add_assets(&text);
    digest_hex(buf_str(&text), ret);
}

static void add_prologue(const struct script *s, int64_t seq, struct buf *out)
{
    char at[WALL_TEXT];
    char hash[65];
    (void)wall_format((struct wall_time){s->born.ns + s->lie_ns}, at);
    if (seq == 1) {
        buf_addf(out,
                 "{\"seq\":1,\"at\":\"%s\",\"type\":\"device\",\"version\":\"%s\","
                 "\"board\":\"simulated\",\"agent_start\":\"%s\"}\n",
                 at, SELVEDGE_VERSION, at);
        return;
    }
    script_definitions_hash(hash);
    buf_addf(out,
             "{\"seq\":2,\"at\":\"%s\",\"type\":\"definitions\",\"hash\":\"%s\","
             "\"project\":\"%s\",\"part\":1,\"parts\":1,\"assets\":[",
             at, hash, project);
    add_assets(out);
    buf_add(out, STR("]}\n"));
}

static void add_run_event(const struct script *s, int64_t seq, struct buf *out)
{
    int64_t run = script_run_of(seq);
    int place = (int)((seq - SCRIPT_PROLOGUE - 1) % SCRIPT_RUN);
    struct wall_time at = {script_time(s, run).ns + s->lie_ns};
    uint64_t random[2] = {script_mix(s->seed ^ (uint64_t)run),
                          script_mix(~s->seed ^ (uint64_t)run)};
    uint8_t bytes[10];
    char time[WALL_TEXT];
    char id[UUID_TEXT_SIZE];
    char asset[16];
    memcpy(bytes, random, sizeof(bytes));
    uuid7_format(at, bytes, id);
    (void)wall_format(at, time);
    script_asset(run, asset);
    static const char *const types[SCRIPT_RUN] = {"run_enqueued",
                                                  "run_start",
                                                  "asset_materialization_planned",
                                                  "step_start",
                                                  "asset_materialization",
                                                  "step_success",
                                                  "run_success"};
    buf_addf(out, "{\"seq\":%lld,\"at\":\"%s\",\"type\":\"%s\",\"run\":\"%s\"", (long long)seq,
             time, types[place], id);
    switch (place) {
    case 0:
        buf_addf(out,
                 ",\"job\":\"refresh\",\"cause\":{\"type\":\"schedule\",\"name\":\"refresh\"},"
                 "\"selection\":\"%s\",\"steps\":1}\n",
                 asset);
        break;
    case 1:
    case 6:
        buf_add(out, STR(",\"job\":\"refresh\"}\n"));
        break;
    case 2:
        buf_addf(out, ",\"step\":\"%s\",\"asset\":\"%s\"}\n", asset, asset);
        break;
    case 3:
        buf_addf(out, ",\"step\":\"%s\",\"asset\":\"%s\",\"attempt\":1}\n", asset, asset);
        break;
    case MATERIALIZED:
        buf_addf(out,
                 ",\"step\":\"%s\",\"asset\":\"%s\",\"attempt\":1,\"metadata\":{"
                 "\"dagster/row_count\":{\"type\":\"int\",\"raw_value\":%u},"
                 "\"rows_written\":{\"type\":\"int\",\"raw_value\":%u},"
                 "\"bytes_read\":{\"type\":\"int\",\"raw_value\":%u}}}\n",
                 asset, asset, (unsigned)(random[1] % 90000), (unsigned)(random[1] >> 20 & 255),
                 (unsigned)(random[1] >> 36 & 65535));
        break;
    default:
        buf_addf(out, ",\"step\":\"%s\",\"asset\":\"%s\",\"attempt\":1,\"duration_ms\":%u}\n",
                 asset, asset, (unsigned)(150 + random[1] % 60));
    }
}

int64_t script_lines(const struct script *s, int64_t from, int64_t to, size_t bytes_max,
                     struct buf *out)
{
    size_t begin = out->len;
    int64_t last = from - 1;
    for (int64_t seq = from; seq <= to; seq++) {
        size_t before = out->len;
        if (seq <= SCRIPT_PROLOGUE) {
            add_prologue(s, seq, out);
        } else {
            add_run_event(s, seq, out);
        }
        if (seq > from && out->len - begin > bytes_max) {
            out->len = before;
            break;
        }
        last = seq;
    }
    return last;
}
