#include "hub/desired/standing.h"

bool standing_is_foreign(const struct desired_row *row, int64_t revision, int64_t applied,
                         struct str hash)
{
    bool is_other =
        applied == row->revision && applied != 0 && !str_is_empty(hash) && !str_eq(hash, row->hash);
    return revision > row->revision || applied > row->revision || is_other;
}

enum desired_standing standing_of(const struct desired_row *row)
{
    enum desired_status told = DESIRED_APPLIED;
    bool has_told = desired_status_from(row->told_status, &told);
    if (row->revision == 0) {
        return row->applied == 0 ? STANDING_NONE : STANDING_DRIFT;
    }
    if (has_told && standing_is_foreign(row, row->told_revision, row->applied, row->told_hash)) {
        return STANDING_DRIFT;
    }
    if (has_told && told == DESIRED_REFUSED &&
        (row->told_revision == row->revision || row->told_revision == 0)) {
        return STANDING_REFUSED;
    }
    if (has_told && row->applied == row->revision) {
        return told == DESIRED_DEGRADED ? STANDING_DEGRADED : STANDING_IN_FORCE;
    }
    return row->is_signed ? STANDING_WAITING : STANDING_UNSIGNED;
}

const char *standing_name(enum desired_standing standing)
{
    static const char *const names[] = {
        [STANDING_NONE] = "nothing wanted", [STANDING_IN_FORCE] = "in force",
        [STANDING_WAITING] = "waiting",     [STANDING_UNSIGNED] = "unsigned",
        [STANDING_REFUSED] = "refused",     [STANDING_DEGRADED] = "degraded",
        [STANDING_DRIFT] = "drift",
    };
    return names[standing];
}

bool standing_is_pending(enum desired_standing standing)
{
    return standing != STANDING_IN_FORCE && standing != STANDING_NONE;
}

struct wall_time standing_since(const struct desired_row *row)
{
    enum desired_standing standing = standing_of(row);
    if (!standing_is_pending(standing)) {
        return (struct wall_time){0};
    }
    bool is_told = standing == STANDING_DEGRADED || standing == STANDING_DRIFT;
    return is_told && row->told_at.ns != 0 ? row->told_at : row->issued;
}

struct str standing_reason(const struct desired_row *row)
{
    enum desired_standing standing = standing_of(row);
    bool is_told = standing == STANDING_REFUSED || standing == STANDING_DEGRADED;
    return is_told ? row->told_reason : STR("");
}

bool standing_needs_issue(const struct desired_row *row, const char *content_hash, bool is_meant)
{
    if (row->revision == 0) {
        return is_meant;
    }
    return !str_eq(row->content_hash, str_from(content_hash)) || row->seen >= row->revision ||
           standing_is_foreign(row, row->told_revision, row->applied, row->told_hash);
}

int64_t standing_next_revision(const struct desired_row *row)
{
    int64_t highest = row->revision;
    const int64_t others[] = {row->seen, row->told_revision, row->applied};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        highest = others[i] > highest ? others[i] : highest;
    }
    return highest + 1;
}
