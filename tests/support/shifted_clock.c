/* shifted_clock.c - preloaded into a program (LD_PRELOAD), moves its wall clock by the seconds that
 * stand in the file named by SHIFTED_CLOCK, read at each call: a board that boots in 1970 and is
 * told the time later. With SHIFTED_TIME set, what time() says, too, which others use to judge certificates:
 * for programs that are not ours, such as a broker, a shift of weeks has to be theirs as well. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long shift(void)
{
    char text[32] = "";
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody calls setenv */
    const char *path = getenv("SHIFTED_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t len = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    long seconds = 0;
    bool is_negative = text[0] == '-';
    for (ssize_t i = is_negative; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
        seconds = seconds * 10 + (text[i] - '0');
    }
    return is_negative ? -seconds : seconds;
}

int clock_gettime(clockid_t clock_id, struct timespec *tp)
{
    int rc = (int)syscall(SYS_clock_gettime, clock_id, tp);
    if (rc == 0 && clock_id == CLOCK_REALTIME) {
        tp->tv_sec += shift();
    }
    return rc;
}

time_t time(time_t *ret)
{
    struct timespec now = {0};
    (void)syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody calls setenv */
    time_t seconds = now.tv_sec + (getenv("SHIFTED_TIME") == NULL ? 0 : shift());
    if (ret != NULL) {
        *ret = seconds;
    }
    return seconds;
}
