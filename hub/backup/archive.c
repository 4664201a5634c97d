#include "hub/backup/archive.h"

#include "common/tls/identity.h"
#include <stdio.h>
#include <string.h>

enum {
    AT_MODE = 100,
    AT_SIZE = 124,
    AT_TIME = 136,
    AT_SUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    SIZE_DIGITS = 11,
    SUMS_BYTES_MAX = 4 << 20,
};
#define SIZE_OCTAL_MAX INT64_C(077777777777)

bool archive_name_is_valid(struct str name)
{
    bool ok = name.len >= 1 && name.len <= ARCHIVE_NAME_MAX && name.ptr[0] != '/';
    for (size_t i = 0; ok && i < name.len; i++) {
        char c = name.ptr[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        ok = is_alnum || (c != '\0' && strchr("._-/", c) != NULL);
    }
    return ok && !str_contains(name, STR("..")) && !str_contains(name, STR("//")) &&
           !str_ends(name, STR("/"));
}

static unsigned sum_of(const char *head)
{
    unsigned sum = 0;
    for (size_t i = 0; i < ARCHIVE_BLOCK; i++) {
        bool is_sum = i >= AT_SUM && i < AT_SUM + 8;
        sum += is_sum ? ' ' : (unsigned char)head[i];
    }
    return sum;
}

void archive_add_head(struct buf *out, struct str name, int64_t bytes, struct wall_time at)
{
    char head[ARCHIVE_BLOCK] = {0};
    memcpy(head, name.ptr, name.len);
    (void)snprintf(head + AT_MODE, 8, "%07o", 0600U);
    (void)snprintf(head + AT_MODE + 8, 8, "%07o", 0U);
    (void)snprintf(head + AT_MODE + 16, 8, "%07o", 0U);
    (void)snprintf(head + AT_TIME, 12, "%011llo", (unsigned long long)(at.ns / NS_PER_SEC));
    if (bytes <= SIZE_OCTAL_MAX) {
        (void)snprintf(head + AT_SIZE, 12, "%011llo", (unsigned long long)bytes);
    } else { /* as GNU tar writes what octal digits cannot: binary, the first bit set */
        head[AT_SIZE] = (char)0x80;
        for (int i = 0; i < 8; i++) {
            head[AT_SIZE + SIZE_DIGITS - i] = (char)(bytes >> (8 * i) & 0xFF);
        }
    }
    head[AT_TYPE] = '0';
    memcpy(head + AT_MAGIC,
           "ustar\0"
           "00",
           8);
    (void)snprintf(head + AT_SUM, 8, "%06o", sum_of(head));
    head[AT_SUM + 7] = ' ';
    buf_add(out, (struct str){head, sizeof(head)});
}

size_t archive_padding(int64_t bytes)
{
    return (size_t)((ARCHIVE_BLOCK - bytes % ARCHIVE_BLOCK) % ARCHIVE_BLOCK);
}

static bool read_octal(const char *digits, size_t len, int64_t *ret)
{
    int64_t v = 0;
    for (size_t i = 0; i < len && digits[i] != '\0' && digits[i] != ' '; i++) {
        if (digits[i] < '0' || digits[i] > '7') {
            return false;
        }
        v = v * 8 + (digits[i] - '0');
    }
    *ret = v;
    return true;
}

static bool read_size(const char *head, int64_t *ret)
{
    if (((unsigned char)head[AT_SIZE] & 0x80) == 0) {
        return read_octal(head + AT_SIZE, SIZE_DIGITS, ret);
    }
    uint64_t v = 0;
    for (int i = 4; i <= SIZE_DIGITS; i++) {
        v = v << 8 | (unsigned char)head[AT_SIZE + i];
    }
    *ret = (int64_t)(v & INT64_MAX);
    return v <= INT64_MAX;
}

static bool is_zero(const char *block)
{
    for (size_t i = 0; i < ARCHIVE_BLOCK; i++) {
        if (block[i] != '\0') {
            return false;
        }
    }
    return true;
}

bool archive_next(struct str *rest, struct archive_member *ret, bool *ret_end, struct err *err)
{
    int64_t sum = 0;
    int64_t size = 0;
    *ret_end = false;
    if (rest->len < ARCHIVE_BLOCK) {
        return err_set(err, ERR_CORRUPT, "the archive is cut off");
    }
    const char *head = rest->ptr;
    if (is_zero(head)) {
        *ret_end = true;
        return true;
    }
    if (memcmp(head + AT_MAGIC, "ustar", 5) != 0 || !read_octal(head + AT_SUM, 8, &sum) ||
        sum != sum_of(head) || !read_size(head, &size) || head[AT_TYPE] != '0') {
        return err_set(err, ERR_CORRUPT, "this is no archive of a hub, or it was damaged");
    }
    size_t all = (size_t)size + archive_padding(size);
    struct str name = {head, strnlen(head, ARCHIVE_NAME_MAX + 1)};
    if (!archive_name_is_valid(name)) {
        return err_set(err, ERR_CORRUPT, "the archive has a member with a name that is not ours");
    }
    if ((uint64_t)size > rest->len || all > rest->len - ARCHIVE_BLOCK) {
        return err_set(err, ERR_CORRUPT, "the archive is cut off in " STR_FMT, STR_ARG(name));
    }
    *ret = (struct archive_member){
        .name = name, .bytes = str_slice(*rest, ARCHIVE_BLOCK, ARCHIVE_BLOCK + (size_t)size)};
    *rest = str_slice(*rest, ARCHIVE_BLOCK + all, rest->len);
    return true;
}

bool archive_check(struct str archive, struct err *err)
{
    AUTO(buf) sums = buf_growing(SUMS_BYTES_MAX);
    struct archive_member member = {0};
    bool is_end = false;
    for (struct str rest = archive; archive_next(&rest, &member, &is_end, err);) {
        if (is_end) {
            return err_set(err, ERR_CORRUPT, "the archive has no " ARCHIVE_SUMS);
        }
        if (str_eq(member.name, STR(ARCHIVE_SUMS))) {
            return str_eq(member.bytes, buf_str(&sums)) ||
                   err_set(err, ERR_CORRUPT,
                           "the archive is not what was written: a checksum in "
                           "its " ARCHIVE_SUMS " differs");
        }
        char hex[FINGERPRINT_TEXT_SIZE];
        digest_hex(member.bytes, hex);
        buf_addf(&sums, "%s  " STR_FMT "\n", hex, STR_ARG(member.name));
    }
    return false;
}
