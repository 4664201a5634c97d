/* listeners PORT COUNT ROUNDS TRIGGER HEADER... - COUNT listeners to server-sent events of 127.0.0.1:PORT; ROUNDS
 * times something happens, and the time is taken until the last of them has been told. TRIGGER is a hub's
 * database, in which an event is then committed, or a FIFO, into which a byte is written. HEADER is a line
 * of the request; several take turns. Prints "last_ns", the median, and stays until its stdin ends. */
#include "tests/bench/bench.h"
#include "tests/bench/limits/bare.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, ROUNDS_MAX = 1000, REST_MS = 120, PATIENCE_MS = 10000, ANSWER_BYTES = 64 << 10 };

static int set;
static int *round_of; /* the last round that a listener was told of, by descriptor */
static int descriptors;

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int listen_to(int port, const char *header)
{
    char request[1024];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int len = snprintf(request, sizeof(request),
                       "GET /api/v1/events/live HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n\r\n", header);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd < 0 || fd >= descriptors || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        send(fd, request, (size_t)len, MSG_NOSIGNAL) != len ||
        epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0) {
        bench_die("connect");
    }
    return fd;
}

/* What there is to read, until `want` listeners have been told something in this round, or nothing has
 * come for `wait_ms`. */
static int take(int round, int want, int wait_ms)
{
    static char bytes[ANSWER_BYTES];
    struct epoll_event ready[BATCH];
    int told = 0;
    int count = 1;
    while (told < want && (count = epoll_wait(set, ready, BATCH, wait_ms)) > 0) {
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            ssize_t len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
            if (len <= 0 ||
                (round == 0 && memcmp(bytes, "HTTP/1.1 200", 12) != 0 && round_of[fd] < 0)) {
                bench_die("a listener was not answered, or cut");
            }
            told += round_of[fd] != round ? 1 : 0;
            round_of[fd] = round;
        }
    }
    return told;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static sqlite3_stmt *prepare(const char *trigger)
{
    sqlite3 *db = bare_open(trigger, 2000);
    (void)sqlite3_busy_timeout(db, PATIENCE_MS); /* the hub writes too */
    bare_exec(db, "INSERT INTO stream (device, epoch, first_at_ms, merged_seq, received_ms) "
                  "VALUES ('bench', '0123456789abcdef', 1, 1, 1)");
    return bare_prepare(
        db, "INSERT INTO event (stream_id, seq, type, at_ms, received_ms, body) "
            "SELECT id, coalesce((SELECT max(seq) FROM event WHERE stream_id = stream.id), 0) + 1, "
            "'log', 1, 1, '{}' FROM stream WHERE device = 'bench'");
}

int main(int argc, char **argv)
{
    int port = (int)bench_count_arg(argc, argv, 1);
    int count = (int)bench_count_arg(argc, argv, 2);
    int rounds = (int)bench_count_arg(argc, argv, 3);
    const char *trigger = bench_text_arg(argc, argv, 4);
    char **headers = argv + 5;
    int header_count = argc - 5;
    bool is_database = str_ends(str_from(trigger), STR(".db"));
    sqlite3_stmt *insert = is_database ? prepare(trigger) : NULL;
    int fifo = is_database ? -1 : open(trigger, O_WRONLY | O_CLOEXEC);
    int64_t times[ROUNDS_MAX];
    char end = 0;
    set = epoll_create1(EPOLL_CLOEXEC);
    descriptors = count + 64;
    round_of = malloc((size_t)descriptors * sizeof(*round_of));
    if (round_of == NULL || set < 0 || rounds > ROUNDS_MAX || header_count < 1) {
        bench_die("start");
    }
    memset(round_of, 0xff, (size_t)descriptors * sizeof(*round_of));
    for (int i = 0; i < count; i++) {
        (void)listen_to(port, headers[i % header_count]);
        (void)take(0, count, 0);
    }
    while (take(0, count, 500) > 0) { /* head and hello of the rest */
    }
    for (int i = 0; i < rounds; i++) {
        const struct timespec rest = {.tv_nsec = REST_MS * 1000000 + i * 1234567 % 25000000};
        (void)nanosleep(&rest, NULL);
        (void)take(i, count, 0); /* a ping, or what the trigger before brought about */
        if (is_database) {
            bare_run(insert);
        }
        int64_t begun = now_ns();
        if (!is_database && write(fifo, "x", 1) != 1) {
            bench_die("write");
        }
        if (take(i + 1, count, PATIENCE_MS) != count) {
            bench_die("not all were told");
        }
        times[i] = now_ns() - begun;
    }
    qsort(times, (size_t)rounds, sizeof(times[0]), by_size);
    bench_print("last_ns", times[rounds / 2]);
    (void)fflush(stdout);
    (void)!read(STDIN_FILENO, &end, 1); /* the listeners stay until they were weighed */
    _exit(0);
}
