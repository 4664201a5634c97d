#include "tests/support/test_broker.h"

#include "common/base/time.h"
#include "common/platform/clock.h"
#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include "common/tls/identity.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char broker_path[] = "/usr/sbin/mosquitto";

enum { PEM_BYTES_MAX = 16 << 10, START_TIMEOUT_MS = 10000, START_STEP_MS = 10 };
#define DAY_NS (INT64_C(86400) * NS_PER_SEC)

bool test_broker_is_installed(void)
{
    if (access(broker_path, X_OK) == 0) {
        return true;
    }
    (void)fprintf(stderr, "skipped: %s is not installed\n", broker_path);
    return false;
}

bool test_broker_write(struct test_broker *b, const char *name, struct str content, struct err *err)
{
    char path[TEST_BROKER_PATH_SIZE];
    return files_join(b->dir, str_from(name), path, sizeof(path), err) &&
           files_write(path, content, S_IRUSR | S_IWUSR, err);
}

static struct identity_issue issue_for(enum identity_kind kind, const char *name, int days)
{
    struct clock clock = clock_system();
    int64_t now = clock_wall(&clock).ns;
    return (struct identity_issue){.kind = kind,
                                   .common_name = str_from(name),
                                   .not_before = {now - 366 * DAY_NS},
                                   .not_after = {now + days * DAY_NS}};
}

static bool make_certificates(struct test_broker *b, struct err *err)
{
    const struct str hosts[] = {STR("localhost"), STR("127.0.0.1"), STR("::1")};
    struct identity_issue ca = issue_for(IDENTITY_CA, "test-CA", 3650);
    struct identity_issue server = issue_for(IDENTITY_SERVER, "test-broker", 365);
    server.host_names = hosts;
    server.host_name_count = COUNT_OF(hosts);
    AUTO(test_identity) id = {buf_growing(PEM_BYTES_MAX), buf_growing(PEM_BYTES_MAX)};
    return identity_make_key(&b->rng, &b->ca_key, err) &&
           identity_make_ca(&b->rng, buf_str(&b->ca_key), &ca, &b->ca_cert, err) &&
           identity_make_key(&b->rng, &id.key, err) &&
           identity_issue_for_key(&b->rng, buf_str(&b->ca_cert), buf_str(&b->ca_key),
                                  buf_str(&id.key), &server, &id.cert, err) &&
           test_broker_write(b, "ca.pem", buf_str(&b->ca_cert), err) &&
           test_broker_write(b, "server.pem", buf_str(&id.cert), err) &&
           test_broker_write(b, "server.key", buf_str(&id.key), err);
}

bool test_broker_issue(struct test_broker *b, const char *name, int days, struct test_identity *ret,
                       struct err *err)
{
    struct identity_issue issue = issue_for(IDENTITY_CLIENT, name, days);
    *ret = (struct test_identity){buf_growing(PEM_BYTES_MAX), buf_growing(PEM_BYTES_MAX)};
    return identity_make_key(&b->rng, &ret->key, err) &&
           identity_issue_for_key(&b->rng, buf_str(&b->ca_cert), buf_str(&b->ca_key),
                                  buf_str(&ret->key), &issue, &ret->cert, err);
}

void test_identity_release(struct test_identity *id)
{
    buf_release(&id->key);
    buf_release(&id->cert);
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &len) == 0;
    (void)close(fd);
    return ok ? ntohs(address.sin_port) : 0;
}

static void add_extra(struct buf *config, struct str extra, struct test_broker *b)
{
    while (extra.len > 0) {
        if (str_starts(extra, STR("@DIR@"))) {
            buf_add_text(config, b->dir);
            extra = str_slice(extra, 5, extra.len);
            continue;
        }
        if (str_starts(extra, STR("@BARE@"))) {
            buf_add_i64(config, b->bare_port);
            b->has_bare = true;
            extra = str_slice(extra, 6, extra.len);
            continue;
        }
        buf_add_char(config, extra.ptr[0]);
        extra = str_slice(extra, 1, extra.len);
    }
}

static bool write_config(struct test_broker *b, const char *extra, struct err *err)
{
    char text[8 << 10];
    struct buf config = buf_fixed(text, sizeof(text));
    if (geteuid() == 0) {
        buf_add_text(&config,
                     "user root\n"); /* else it becomes a user who cannot read the folder */
    }
    buf_addf(&config, "listener %d 127.0.0.1\n", b->port);
    buf_addf(&config, "cafile %s/ca.pem\ncertfile %s/server.pem\nkeyfile %s/server.key\n", b->dir,
             b->dir, b->dir);
    buf_add_text(&config,
                 "require_certificate true\nuse_identity_as_username true\ntls_version tlsv1.2\n"
                 "allow_anonymous false\npersistence false\nset_tcp_nodelay true\nlog_type all\n");
    add_extra(&config, str_from(extra), b);
    if (config.overflow) {
        return err_set(err, ERR_FULL, "the broker's configuration is too long");
    }
    return test_broker_write(b, "mosquitto.conf", buf_str(&config), err);
}

bool test_broker_open(struct test_broker *b, const char *extra_config, struct err *err)
{
    *b = (struct test_broker){.rng = rng_system()};
    b->ca_key = buf_growing(PEM_BYTES_MAX);
    b->ca_cert = buf_growing(PEM_BYTES_MAX);
    const char *tmp = getenv("TMPDIR"); /* NOLINT(concurrency-mt-unsafe): never set */
    (void)snprintf(b->dir, sizeof(b->dir), "%.80s/selvedge-broker-XXXXXX",
                   tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(b->dir) == NULL) {
        return err_errno(err, errno, "make %s", b->dir);
    }
    char sockets[TEST_BROKER_PATH_SIZE];
    b->port = free_port();
    do {
        b->bare_port = free_port();
    } while (b->bare_port == b->port);
    return files_join(b->dir, STR("sockets"), sockets, sizeof(sockets), err) &&
           files_make_dirs(sockets, S_IRWXU, err) && make_certificates(b, err) &&
           write_config(b, extra_config, err);
}

void test_broker_close(struct test_broker *b)
{
    test_broker_kill(b);
    buf_release(&b->ca_key);
    buf_release(&b->ca_cert);
    struct err err = {0};
    if (b->dir[0] != '\0' && !files_remove_tree(b->dir, &err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
    }
    b->dir[0] = '\0';
}

static bool answers(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    (void)close(fd);
    return ok;
}

static bool spawn_broker(struct test_broker *b, struct err *err)
{
    char config[TEST_BROKER_PATH_SIZE];
    char log[TEST_BROKER_PATH_SIZE];
    if (!files_join(b->dir, STR("mosquitto.conf"), config, sizeof(config), err) ||
        !files_join(b->dir, STR("broker.log"), log, sizeof(log), err)) {
        return false;
    }
    FILE *out = fopen(log, "ae");
    if (out == NULL) {
        return err_errno(err, errno, "open %s", log);
    }
    const char *const argv[] = {broker_path, "-c", config, NULL};
    const char *const envp[] = {"PATH=/usr/sbin:/usr/bin", NULL};
    const struct spawn_options options = {.argv = argv,
                                          .envp = envp,
                                          .stdin_fd = -1,
                                          .stdout_fd = fileno(out),
                                          .stderr_fd = fileno(out),
                                          .message_fd = -1};
    int pidfd = -1;
    bool ok = spawn_process(&options, &b->pid, &pidfd, err);
    if (ok) {
        (void)close(pidfd);
    }
    (void)fclose(out);
    return ok;
}

bool test_broker_start(struct test_broker *b, struct err *err)
{
    if (!spawn_broker(b, err)) {
        return false;
    }
    for (int waited = 0; waited < START_TIMEOUT_MS; waited += START_STEP_MS) {
        if (answers(b->port) && (!b->has_bare || answers(b->bare_port))) {
            return true;
        }
        if (waitpid(b->pid, NULL, WNOHANG) == b->pid) {
            b->pid = 0;
            return err_set(err, ERR_INTERNAL, "the broker ended at once: see %s/broker.log",
                           b->dir);
        }
        (void)poll(NULL, 0, START_STEP_MS);
    }
    return err_set(err, ERR_TIMEOUT, "the broker does not answer on port %d", b->port);
}

void test_broker_kill(struct test_broker *b)
{
    if (b->pid > 0) {
        (void)kill(b->pid, SIGKILL);
        (void)waitpid(b->pid, NULL, 0);
        b->pid = 0;
    }
}

void test_broker_freeze(struct test_broker *b)
{
    (void)kill(b->pid, SIGSTOP);
    (void)waitpid(b->pid, NULL, WUNTRACED);
}

void test_broker_thaw(struct test_broker *b)
{
    (void)kill(b->pid, SIGCONT);
}
