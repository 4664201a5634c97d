/* archive_fuzz.c - bytes that somebody gives to `selvedge-hub restore`: whatever they are, members lie
 * within them, have names that stay below a folder, and the walk ends. */
#include "hub/backup/archive.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = {(const char *)data, size};
    struct str rest = all;
    struct archive_member member;
    struct err err = {0};
    bool is_end = false;
    while (archive_next(&rest, &member, &is_end, &err) && !is_end) {
        must(archive_name_is_valid(member.name));
        must(member.name.ptr[0] != '/' && !str_contains(member.name, STR("..")));
        must(member.bytes.ptr >= all.ptr && member.bytes.ptr + member.bytes.len <= all.ptr + size);
        must(rest.ptr >= member.bytes.ptr + member.bytes.len &&
             rest.ptr + rest.len == all.ptr + size);
    }
    must(archive_check(all, &err) || err.code != ERR_NONE);
    return 0;
}
