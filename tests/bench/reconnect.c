/* reconnect PORT DIR TIMES - from mqtt_connect() to online: with a full handshake (a new session
 * each time) and resumed by ticket, TIMES each, in turn. Prints the medians. */
#include "tests/bench/bench.h"
#include "tests/bench/session.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}

static int64_t median(int64_t *times, size_t count)
{
    qsort(times, count, sizeof(*times), compare);
    return times[count / 2];
}

static int64_t connect_ns(struct bench_session *s, bool is_resumed)
{
    struct bench_counters start = bench_now();
    bench_session_connect(s);
    struct bench_counters end = bench_now();
    if (s->is_resumed != is_resumed) {
        bench_die("the session was %sresumed", s->is_resumed ? "" : "not ");
    }
    bench_session_disconnect(s);
    return end.wall_ns - start.wall_ns;
}

int main(int argc, char **argv)
{
    size_t times = (size_t)bench_count_arg(argc, argv, 3);
    int64_t *full = calloc(times, sizeof(*full));
    int64_t *resumed = calloc(times, sizeof(*resumed));
    if (full == NULL || resumed == NULL) {
        bench_die("out of memory");
    }
    for (size_t i = 0; i < times; i++) {
        struct bench_session session = {0};
        bench_session_open(&session, (int)bench_count_arg(argc, argv, 1),
                           bench_text_arg(argc, argv, 2), 8);
        full[i] = connect_ns(&session, false);
        resumed[i] = connect_ns(&session, true);
        bench_session_close(&session);
    }
    bench_print("full_ns", median(full, times));
    bench_print("resumed_ns", median(resumed, times));
    free(full);
    free(resumed);
    return 0;
}
