/* system_sample.h - what this host says of itself at one moment: measurements from /proc and /sys.
 *
 * What a kernel or a board does not have, may not be read or makes no sense is left out: a sample
 * has what there is. Counters are since the start of the host. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/time.h"

enum { SAMPLE_MEASUREMENTS_MAX = 4096, SAMPLE_FILE_BYTES_MAX = 1 << 20, SAMPLE_LABEL_MAX = 255 };

struct measurement {
    const char *name; /* "memory_available" */
    struct str label; /* which of several: a mount point, a device, an interface; may be empty */
    double value;
    const char *unit;
};
/* Ticks since the start, as /proc/stat counts them. */
enum cpu_mode {
    CPU_USER,
    CPU_NICE,
    CPU_SYSTEM,
    CPU_IDLE,
    CPU_IOWAIT,
    CPU_IRQ,
    CPU_SOFTIRQ,
    CPU_STEAL
};
enum { CPU_MODES = 8 };
struct cpu_ticks {
    int64_t of[CPU_MODES];
    struct mono_time at;
};

struct sample {
    struct arena *arena; /* of the labels; reset by the caller between samples */
    const char *proc;    /* "/proc", or a tree of files made like it */
    const char *sys;
    struct buf text; /* of the file being read */
    struct measurement *measurements;
    size_t count;
    size_t left_out; /* past SAMPLE_MEASUREMENTS_MAX */
};
/* The array is of the arena `lasting`. */
MUST_CHECK bool sample_init(struct sample *s, const char *proc, const char *sys,
                            struct arena *lasting, struct arena *arena);
void sample_release(struct sample *s);
/* Adds one. Name and label together are unique in a sample: the second of the same gets "#2" behind
 * its label. */
void sample_add(struct sample *s, const char *name, struct str label, double value,
                const char *unit);
/* The text of a file, valid until the next; false when it cannot be read. */
PRINTF_LIKE(3, 4)
bool sample_file(struct sample *s, struct str *ret, const char *fmt, ...);
/* The same for a file that holds one integer, spaces around it. */
PRINTF_LIKE(3, 4)
bool sample_number(struct sample *s, int64_t *ret, const char *fmt, ...);
/* Cuts the next word off a line: what stands before white space. False at the end. */
bool sample_word(struct str *line, struct str *ret_word);
bool sample_word_number(struct str *line, int64_t *ret);

/* Groups. */
/* Moves `ticks` to now and gives each mode's share of the time since `ticks` was read; nothing but
 * the ticks when none had passed. */
void sample_cpu(struct sample *s, struct cpu_ticks *ticks, struct mono_time now);
void sample_memory(struct sample *s);
void sample_network(struct sample *s);
void sample_clock(struct sample *s, bool is_synced);
void sample_filesystems(struct sample *s);
void sample_disks(struct sample *s);
void sample_temperatures(struct sample *s);
void sample_wear(struct sample *s);
