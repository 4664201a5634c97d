#include "common/model/tz.h"

#include "common/model/tz_rule.h"

/* Limits of RFC 8536, section 3.2 and, for what is asked, of sense: some 34,000 years. */
#define OFFSET_MIN  (-89999)
#define OFFSET_MAX  93599
#define INSTANT_MAX (INT64_C(1) << 40)

enum { HEADER_BYTES = 44 };

struct tz {
    int32_t first_offset; /* before the first change */
    const struct tz_change *changes;
    size_t count;
    bool has_rule; /* for what comes after the last change */
    struct tz_rule rule;
};

static const struct tz utc_zone;

const struct tz *tz_utc(void)
{
    return &utc_zone;
}

bool tz_name_is_valid(struct str name)
{
    if (name.len == 0 || name.len > TZ_NAME_MAX) {
        return false;
    }
    char before = '/';
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '+' || c == '-';
        if (!is_word && (c != '/' || before == '/')) {
            return false;
        }
        before = c;
    }
    return before != '/';
}

/* --- reading ---------------------------------------------------------------------------------- */

struct header {
    char version;
    uint32_t utc_flags;
    uint32_t std_flags;
    uint32_t leaps;
    uint32_t changes;
    uint32_t types;
    uint32_t name_bytes;
};

static int64_t be_int(const char *bytes, size_t len)
{
    uint64_t value = (unsigned char)bytes[0] >= 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < len; i++) {
        value = value << 8 | (unsigned char)bytes[i];
    }
    return (int64_t)value;
}

static bool take(struct str *s, size_t len, struct str *ret)
{
    if (s->len < len) {
        return false;
    }
    *ret = str_slice(*s, 0, len);
    *s = str_slice(*s, len, s->len);
    return true;
}

static bool take_header(struct str *s, struct header *ret)
{
    struct str h;
    if (!take(s, HEADER_BYTES, &h) || !str_starts(h, STR("TZif"))) {
        return false;
    }
    uint32_t counts[6];
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        int64_t count = be_int(h.ptr + 20 + 4 * i, 4);
        if (count < 0 || count > TZ_BYTES_MAX) {
            return false;
        }
        counts[i] = (uint32_t)count;
    }
    *ret =
        (struct header){h.ptr[4], counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
    return true;
}

static size_t block_bytes(const struct header *h, size_t time_bytes)
{
    return (size_t)h->changes * (time_bytes + 1) + (size_t)h->types * 6 + h->name_bytes +
           (size_t)h->leaps * (time_bytes + 4) + h->std_flags + h->utc_flags;
}

/* Seconds east of UTC of a local time type, or false when there is no such type or it is absurd. */
static bool offset_of(struct str types, size_t index, int32_t *ret)
{
    if (index >= types.len / 6) {
        return false;
    }
    int64_t offset = be_int(types.ptr + 6 * index, 4);
    *ret = (int32_t)offset;
    return offset >= OFFSET_MIN && offset <= OFFSET_MAX;
}

/* Keeps the changes that change the offset; a new name alone is none. */
static bool read_changes(struct str times, struct str indices, struct str types,
                         struct tz_change *changes, struct tz *tz)
{
    if (!offset_of(types, 0, &tz->first_offset)) {
        return false;
    }
    int32_t before = tz->first_offset;
    int64_t last = INT64_MIN;
    for (size_t i = 0; i < indices.len; i++) {
        struct tz_change change = {.at = be_int(times.ptr + 8 * i, 8)};
        if (!offset_of(types, (unsigned char)indices.ptr[i], &change.offset) ||
            (i > 0 && change.at <= last)) {
            return false;
        }
        last = change.at;
        if (change.offset != before) {
            changes[tz->count++] = change;
            before = change.offset;
        }
    }
    tz->changes = changes;
    return true;
}

static bool corrupt(struct err *err, const char *what)
{
    return err_set(err, ERR_CORRUPT, "time zone data: %s", what);
}

/* "\n" rule "\n"; an empty rule says nothing about the future. */
static bool read_footer(struct str rest, struct tz *tz, struct err *err)
{
    struct str rule;
    struct str tail;
    if (rest.len == 0 || rest.ptr[0] != '\n' ||
        !str_cut(str_slice(rest, 1, rest.len), '\n', &rule, &tail)) {
        return corrupt(err, "the rule at its end is missing");
    }
    if (rule.len == 0) {
        return true;
    }
    tz->has_rule = true;
    return tz_rule_parse(rule, &tz->rule, err) || err_wrap(err, "time zone data");
}

static bool read_block(struct str s, const struct header *h, struct arena *arena, struct tz *tz,
                       struct err *err)
{
    struct str times;
    struct str indices;
    struct str types;
    struct str skipped;
    size_t rest = block_bytes(h, 8) - (size_t)h->changes * 9 - (size_t)h->types * 6;
    if (!take(&s, (size_t)h->changes * 8, &times) || !take(&s, h->changes, &indices) ||
        !take(&s, (size_t)h->types * 6, &types) || !take(&s, rest, &skipped)) {
        return corrupt(err, "it is cut short");
    }
    struct tz_change *changes = arena_array(arena, h->changes, sizeof(*changes));
    if (changes == NULL) {
        return err_set(err, ERR_NO_MEMORY, "not enough memory for a time zone");
    }
    if (!read_changes(times, indices, types, changes, tz)) {
        return corrupt(err, "its changes are out of order or out of range");
    }
    return read_footer(s, tz, err);
}

bool tz_parse(struct str tzif, struct arena *arena, struct tz **ret, struct err *err)
{
    if (tzif.len > TZ_BYTES_MAX) {
        return corrupt(err, "it is larger than 64 KiB");
    }
    struct header first = {0};
    struct header second = {0};
    struct str skipped;
    struct str s = tzif;
    if (!take_header(&s, &first)) {
        return corrupt(err, "it is not a TZif file");
    }
    if (first.version < '2') {
        return corrupt(err,
                       "version 1 of the format knows no future; version 2 or later is needed");
    }
    /* The first block holds 32-bit times for old readers; the one that counts follows. */
    if (!take(&s, block_bytes(&first, 4), &skipped) || !take_header(&s, &second)) {
        return corrupt(err, "it is cut short");
    }
    if (second.leaps > 0) {
        return corrupt(err, "zones that count leap seconds (\"right/...\") are not supported");
    }
    struct tz *tz = arena_alloc(arena, sizeof(*tz));
    if (tz == NULL) {
        return err_set(err, ERR_NO_MEMORY, "not enough memory for a time zone");
    }
    if (!read_block(s, &second, arena, tz, err)) {
        return false;
    }
    *ret = tz;
    return true;
}

/* --- asking ----------------------------------------------------------------------------------- */

static int64_t clamp(int64_t value, int64_t max)
{
    if (value > max) {
        return max;
    }
    return value < -max ? -max : value;
}

/* How many of the table's changes have happened at `utc`. */
static size_t passed(const struct tz *tz, int64_t utc)
{
    size_t low = 0;
    size_t high = tz->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tz->changes[middle].at <= utc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int32_t rule_offset(const struct tz_rule *rule, int64_t utc)
{
    struct tz_change changes[TZ_CHANGES_MAX];
    size_t count = tz_rule_changes(rule, utc, changes);
    int32_t offset = rule->standard;
    for (size_t i = 0; i < count && changes[i].at <= utc; i++) {
        offset = changes[i].offset;
    }
    return offset;
}

int32_t tz_offset_at(const struct tz *tz, int64_t utc)
{
    utc = clamp(utc, INSTANT_MAX);
    size_t index = passed(tz, utc);
    if (index == tz->count && tz->has_rule) {
        return rule_offset(&tz->rule, utc);
    }
    return index == 0 ? tz->first_offset : tz->changes[index - 1].offset;
}

int64_t tz_next_change(const struct tz *tz, int64_t utc)
{
    utc = clamp(utc, INSTANT_MAX);
    size_t index = passed(tz, utc);
    if (index < tz->count) {
        return tz->changes[index].at;
    }
    if (!tz->has_rule) {
        return INT64_MAX;
    }
    struct tz_change changes[TZ_CHANGES_MAX];
    size_t count = tz_rule_changes(&tz->rule, utc, changes);
    int32_t now = tz_offset_at(tz, utc);
    /* The last year of the window is there only to tell whether the year before it ends in a
     * change. */
    for (size_t i = 0; i + 2 < count; i++) {
        /* Of several changes at one instant the last counts. */
        bool is_last = changes[i + 1].at != changes[i].at;
        if (changes[i].at > utc && is_last && changes[i].offset != now) {
            return changes[i].at;
        }
    }
    return INT64_MAX;
}

struct tz_instants tz_from_local(const struct tz *tz, int64_t local_seconds)
{
    /* Walks the stretches of constant offset that can hold it. */
    int64_t local = clamp(local_seconds, INSTANT_MAX - INT64_C(2) * OFFSET_MAX);
    int64_t from = local - OFFSET_MAX - 1;
    int64_t until = local - OFFSET_MIN + 1;
    struct tz_instants found = {0};
    int64_t gap_end = INT64_MAX;
    while (from < until && found.count < 2) {
        int64_t next = tz_next_change(tz, from);
        int64_t instant = local - tz_offset_at(tz, from);
        if (instant >= from && instant < next) {
            *(found.count == 0 ? &found.first : &found.second) = instant;
            found.count++;
        } else if (instant >= next && gap_end == INT64_MAX && next < until &&
                   local - tz_offset_at(tz, next) < next) {
            gap_end = next;
        }
        from = next;
    }
    if (found.count == 0) {
        found.first = gap_end;
    }
    return found;
}
