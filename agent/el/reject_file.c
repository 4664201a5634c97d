#include "agent/el/reject_file.h"

#include "common/json/json_writer.h"
#include "common/log/log.h"
#include "common/platform/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 64 << 10 }; /* every byte of a record may need six */

bool reject_file_open(struct reject_file *f, int64_t committed, struct err *err)
{
    struct stat st;
    f->fd.n = -1;
    if (stat(f->path, &st) != 0) {
        f->size = 0;
        return errno == ENOENT || err_errno(err, errno, "look at %s", f->path);
    }
    f->size = st.st_size;
    if (committed >= 0 && f->size > committed) {
        f->size = committed;
        if (truncate(f->path, committed) != 0) {
            return err_errno(err, errno, "cut %s to %lld bytes", f->path, (long long)committed);
        }
    }
    return true;
}

void reject_file_close(struct reject_file *f)
{
    fd_release(&f->fd);
}

static bool begin(struct reject_file *f, struct err *err)
{
    char old[2 * 1024];
    if (f->fd.n >= 0) {
        return true;
    }
    (void)snprintf(old, sizeof(old), "%s.old", f->path);
    if (f->size > REJECT_FILE_BYTES_MAX) {
        if (rename(f->path, old) != 0) {
            return err_errno(err, errno, "rename %s", f->path);
        }
        f->size = 0;
    }
    f->fd.n = open(f->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    return f->fd.n >= 0 || err_errno(err, errno, "open %s", f->path);
}

static void write_line(const struct reject_file *f, struct reject one, struct buf *line)
{
    struct clock clock = clock_system();
    struct json_writer w = json_writer(line);
    jw_begin_object(&w);
    jw_member_wall(&w, "rejected_at", clock_wall(&clock));
    jw_member_str(&w, "state_id", f->state_id);
    jw_member_str(&w, "stream", one.stream);
    jw_member_str(&w, "place", one.place);
    jw_member_str(&w, "reason", one.reason);
    jw_member_str(&w, "record", one.record);
    jw_member_i64(&w, "record_bytes", one.record_bytes);
    jw_end_object(&w);
    buf_add_char(line, '\n');
}

bool reject_file_take(struct reject_file *f, const struct rejects *r, struct err *err)
{
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    if (!begin(f, err)) {
        return false;
    }
    for (size_t i = 0; i < r->waiting; i++) {
        if (f->lines == f->keep) {
            LOG(WARN, "el.rejects_not_kept", F_T("path", f->path), F_I("kept", f->keep));
        }
        f->lines++;
        if (f->lines > f->keep) {
            continue;
        }
        buf_reset(&line);
        write_line(f, rejects_get(r, i), &line);
        if (line.overflow) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a rejected record");
        }
        if (!files_write_fd(f->fd.n, buf_str(&line), err)) {
            return err_wrap(err, "write %s", f->path);
        }
        f->size += (int64_t)line.len;
    }
    return true;
}

bool reject_file_sync(struct reject_file *f, struct err *err)
{
    return f->fd.n < 0 || fdatasync(f->fd.n) == 0 || err_errno(err, errno, "sync %s", f->path);
}
