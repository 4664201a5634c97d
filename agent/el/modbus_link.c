#include "agent/el/modbus_link.h"

#include "agent/el/cancel.h"
#include "common/base/time.h"

#include <errno.h>
#include <modbus.h>
#include <netdb.h>
#include <sys/socket.h>
#include <time.h>

enum { PORT_TEXT_SIZE = 8, PAUSE_FIRST_MS = 100, PAUSE_DOUBLINGS_MAX = 4, DATA_BITS = 8 };
#define BYTE_TIMEOUT_NS (500 * NS_PER_MS) /* between two bytes of an answer; libmodbus's own */

struct modbus_link {
    struct modbus_link_options options;
    modbus_t *bus;
    struct str label; /* "plc.local:502", "/dev/ttyUSB0" */
    const char *host;
    char port[PORT_TEXT_SIZE];
    bool is_connected;
};

/* --- what went wrong ------------------------------------------------------------------------- */

/* Source: MODBUS Application Protocol Specification V1.1b3, section 7. */
static const struct {
    const char *name;
    enum err_code code;
    bool may_pass;
    const char *hint;
} exceptions[MODBUS_EXCEPTION_MAX] = {
    [MODBUS_EXCEPTION_ILLEGAL_FUNCTION] = {"illegal function", ERR_INVALID, false,
                                           "the device has no such table: see the \"kind\""},
    [MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS] =
        {"illegal data address", ERR_INVALID, false,
         "addresses begin at 0 (a manual's 40101 is holding 100); with \"gap\": 0 only what was "
         "asked for is read"},
    [MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE] = {"illegal data value", ERR_INVALID, false,
                                             "the device may not allow as many registers in one "
                                             "request: lower the \"gap\""},
    [MODBUS_EXCEPTION_SLAVE_OR_SERVER_FAILURE] = {"server device failure", ERR_IO, false, ""},
    [MODBUS_EXCEPTION_ACKNOWLEDGE] = {"acknowledge", ERR_BUSY, true, ""},
    [MODBUS_EXCEPTION_SLAVE_OR_SERVER_BUSY] = {"server device busy", ERR_BUSY, true, ""},
    [MODBUS_EXCEPTION_NEGATIVE_ACKNOWLEDGE] = {"negative acknowledge", ERR_IO, false, ""},
    [MODBUS_EXCEPTION_MEMORY_PARITY] = {"memory parity error", ERR_IO, false, ""},
    [MODBUS_EXCEPTION_GATEWAY_PATH] = {"gateway path unavailable", ERR_OFFLINE, true, ""},
    [MODBUS_EXCEPTION_GATEWAY_TARGET] = {"gateway target device failed to respond", ERR_OFFLINE,
                                         true, "see the \"unit\", and whether the device is on"},
};

/* From libmodbus's errno; true when another try may help. */
static bool explain(struct err *err, int number)
{
    int code = number - MODBUS_ENOBASE;
    bool is_exception = code > 0 && code < MODBUS_EXCEPTION_MAX;
    if (is_exception && exceptions[code].name != NULL) {
        err_set(err, exceptions[code].code, "exception %d, %s", code, exceptions[code].name);
        if (exceptions[code].hint[0] != '\0') {
            err_hint(err, "%s", exceptions[code].hint);
        }
        return exceptions[code].may_pass;
    }
    if (is_exception || number == EMBUNKEXC || number == EMBBADEXC) {
        err_set(err, ERR_IO, "an exception that the protocol does not know");
        return false;
    }
    if (number == ETIMEDOUT) {
        err_set(err, ERR_TIMEOUT, "no answer in time");
        err_hint(err,
                 "see whether the device is on, and the \"unit\"; \"timeout\" gives it longer");
    } else if (number >= MODBUS_ENOBASE) {
        err_set(err, ERR_CORRUPT, "the answer makes no sense: %s", modbus_strerror(number));
    } else {
        err_errno(err, number, "connection");
        err->code = number == ENOENT || number == EACCES ? err->code : ERR_OFFLINE;
    }
    return true;
}

/* --- the connection -------------------------------------------------------------------------- */

static void hang_up(struct modbus_link *l)
{
    if (l->is_connected) {
        modbus_close(l->bus);
        l->is_connected = false;
    }
}

/* libmodbus tells a name that nobody knows as a refused connection. */
static bool check_host(const struct modbus_link *l, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(l->host, l->port, &hints, &found);
    if (rc != 0) {
        return err_set(err, ERR_OFFLINE, "%s", gai_strerror(rc));
    }
    freeaddrinfo(found);
    return true;
}

static bool dial(struct modbus_link *l, struct err *err)
{
    if (l->is_connected) {
        return true;
    }
    if (l->host != NULL && !check_host(l, err)) {
        return false;
    }
    if (modbus_connect(l->bus) != 0) {
        (void)explain(err, errno);
        return false;
    }
    l->is_connected = true;
    (void)modbus_flush(l->bus); /* of a serial line: what the last owner left there */
    return true;
}

static bool set_timeouts(modbus_t *bus, int64_t ns, struct err *err)
{
    int64_t byte_ns = ns < BYTE_TIMEOUT_NS ? ns : BYTE_TIMEOUT_NS;
    bool ok = modbus_set_response_timeout(bus, (uint32_t)(ns / NS_PER_SEC),
                                          (uint32_t)(ns % NS_PER_SEC / NS_PER_US)) == 0 &&
              modbus_set_byte_timeout(bus, (uint32_t)(byte_ns / NS_PER_SEC),
                                      (uint32_t)(byte_ns % NS_PER_SEC / NS_PER_US)) == 0;
    return ok || err_errno(err, errno, "set the time-outs");
}

static bool make_bus(struct modbus_link *l, struct arena *arena, struct err *err)
{
    static const char parities[] = {[PARITY_NONE] = 'N', [PARITY_EVEN] = 'E', [PARITY_ODD] = 'O'};
    const struct modbus_link_options *o = &l->options;
    if (o->host.len > 0) {
        l->host = arena_cstr(arena, o->host);
        struct buf port = buf_fixed(l->port, sizeof(l->port) - 1);
        buf_add_i64(&port, o->port);
        l->label = arena_printf(arena, STR_FMT ":%s", STR_ARG(o->host), l->port);
        l->bus = l->host == NULL ? NULL : modbus_new_tcp_pi(l->host, l->port);
    } else {
        const char *device = arena_cstr(arena, o->device);
        l->label = o->device;
        l->bus = device == NULL ? NULL
                                : modbus_new_rtu(device, (int)o->baud, parities[o->parity],
                                                 DATA_BITS, (int)o->stop_bits);
    }
    if (l->bus == NULL || l->label.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a connection");
    }
    return set_timeouts(l->bus, o->timeout, err);
}

/* --- tries ----------------------------------------------------------------------------------- */

static void pause_before(int64_t retry)
{
    int64_t doublings = retry - 1 < PAUSE_DOUBLINGS_MAX ? retry - 1 : PAUSE_DOUBLINGS_MAX;
    const struct timespec time = {.tv_sec = (PAUSE_FIRST_MS << doublings) / 1000,
                                  .tv_nsec = (PAUSE_FIRST_MS << doublings) % 1000 * NS_PER_MS};
    (void)nanosleep(&time, NULL);
}

/* libmodbus gives each bit a byte. */
static int read_bits(modbus_t *bus, const struct register_read *read, uint16_t *into)
{
    uint8_t bits[READ_BITS_MAX];
    int count = read->kind == REGISTER_COIL
                    ? modbus_read_bits(bus, read->address, read->count, bits)
                    : modbus_read_input_bits(bus, read->address, read->count, bits);
    for (int i = 0; i < count && i < read->count; i++) {
        into[i] = bits[i];
    }
    return count;
}

static bool ask(struct modbus_link *l, const struct register_read *read, uint16_t *into,
                bool *ret_may_pass, struct err *err)
{
    int count = -1;
    *ret_may_pass = true;
    errno = 0;
    if (modbus_set_slave(l->bus, read->unit) != 0) {
        *ret_may_pass = false;
        return err_errno(err, errno, "set the unit");
    }
    switch ((enum register_kind)read->kind) {
    case REGISTER_HOLDING:
        count = modbus_read_registers(l->bus, read->address, read->count, into);
        break;
    case REGISTER_INPUT:
        count = modbus_read_input_registers(l->bus, read->address, read->count, into);
        break;
    case REGISTER_COIL:
    case REGISTER_DISCRETE:
    default:
        count = read_bits(l->bus, read, into);
        break;
    }
    if (count == read->count) {
        return true;
    }
    *ret_may_pass = explain(err, count < 0 ? errno : EMBBADDATA);
    return false;
}

static bool wrap(const struct modbus_link *l, const struct register_read *read, struct err *err)
{
    return err_wrap(err, "modbus " STR_FMT ": unit %d, %s %d to %d", STR_ARG(l->label), read->unit,
                    register_kind_name(read->kind), read->address, read->address + read->count - 1);
}

bool modbus_link_read(struct modbus_link *link, const struct register_read *read, uint16_t *into,
                      struct err *err)
{
    for (int64_t retry = 0;; retry++) {
        bool may_pass = true;
        if (retry > 0) {
            pause_before(retry);
        }
        if (cancel_requested()) {
            return cancel_error(err);
        }
        if (dial(link, err) && ask(link, read, into, &may_pass, err)) {
            return true;
        }
        hang_up(link); /* a late answer must not be taken for that of the next request */
        if (!may_pass || retry == link->options.retries) {
            return wrap(link, read, err);
        }
    }
}

bool modbus_link_open(struct modbus_link **ret, const struct modbus_link_options *options,
                      struct arena *arena, struct err *err)
{
    struct modbus_link *l = arena_alloc(arena, sizeof(*l));
    if (l == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a connection");
    }
    l->options = *options;
    if (!make_bus(l, arena, err)) {
        modbus_link_close(l);
        return false;
    }
    *ret = l;
    return true;
}

void modbus_link_close(struct modbus_link *link)
{
    if (link != NULL && link->bus != NULL) {
        hang_up(link);
        modbus_free(link->bus);
        link->bus = NULL;
    }
}
