/* partition_sql.h - what stands for the partitions in SQL: {{ partition_key }} and its like, of
 * docs/reference/partitions.md. Pure. What becomes of them: agent/run/step_partition.h. */
#pragma once
#include "common/model/partition.h"

enum partition_word {
    PARTITION_WORD_KEY,
    PARTITION_WORD_KEYS,
    PARTITION_WORD_START,
    PARTITION_WORD_END,
    PARTITION_WORD_START_UTC,
    PARTITION_WORD_END_UTC,
    PARTITION_WORD_COUNT,
};
/* Cuts *rest behind the next single word between braces; *ret_before is what stands before them.
 * False: there is none more, and *ret_before is all that was left. Anything else between braces,
 * such as JSON, is not ours. */
bool partition_sql_next(struct str *rest, struct str *ret_before, struct str *ret_name);
/* ERR_INVALID: it is not known, or means nothing for partitions of this kind. */
MUST_CHECK bool partition_word_from(struct str name, enum partition_kind kind,
                                    enum partition_word *ret, struct err *err);
