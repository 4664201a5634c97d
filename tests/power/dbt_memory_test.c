/* dbt_memory_test.c - memory runs out once at each allocation of each node, SQLite's and ours: the node
 * says so or does without, the relation is the old one or the new one, and the next run makes it.
 * `./dev test --long` takes every allocation, else one in some. */
#include "dbt_work.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include "tests/support/fault_sqlite.h"
#include "tests/support/power_vfs.h"
#include "tests/support/sample.h"

struct memory {
    const char *name;
    void (*arm)(int nth);
    bool (*disarm)(void);
    const char
        *vfs; /* a disk in memory, which is faster and allocates itself; NULL: the real one */
};

static void begin(struct dbt_world *w)
{
    *w = (struct dbt_world){.dir = temp_dir_new(), .arena = arena_new(64 << 20)};
}

static struct str content(struct dbt_world *w, const char *path)
{
    dbt_world_open(w, path, NULL);
    return dbt_work_content(w);
}

/* Whether memory ran out. */
static bool starve(const struct dbt_work *work, const struct memory *memory, int nth)
{
    AUTO(dbt_world) w;
    struct dbt_spec spec;
    begin(&w);
    const char *path = temp_dir_path(&w.dir, "shop.db");
    dbt_work_prepare(work, &w, path);
    struct str before = content(&w, path);
    dbt_world_open(&w, path, NULL);
    work->describe(&w, &spec);
    AUTO(arena) arena = arena_new(64 << 20);
    memory->arm(nth);
    bool ok = work->run(&w.t, &spec, &arena, &w.result, &w.err);
    bool fired = memory->disarm();
    if (!ok && (!fired || w.err.code != ERR_NO_MEMORY)) {
        fail_msg("%s: %s %d: %s (%s)", work->name, memory->name, nth, w.err.msg,
                 err_code_name(w.err.code));
    }
    struct str is = content(&w, path);
    bool is_before = str_eq(is, before);
    if (!dbt_work_run(work, &w)) {
        fail_msg("%s: %s %d: again: %s", work->name, memory->name, nth, w.err.msg);
    }
    struct str after = dbt_work_content(&w);
    if (ok ? !str_eq(is, after) : !is_before && !str_eq(is, after)) {
        fail_msg("%s: %s %d: it is there in part:\n" STR_FMT, work->name, memory->name, nth,
                 STR_ARG(is));
    }
    return fired;
}

static bool starve_once(const struct dbt_work *work, const struct memory *memory, int nth)
{
    if (memory->vfs == NULL) {
        return starve(work, memory, nth);
    }
    struct power_vfs *v = power_vfs_new(memory->vfs, 1);
    power_vfs_make_default(v);
    bool fired = starve(work, memory, nth);
    power_vfs_free(v);
    return fired;
}

static void starve_all(const struct memory *memory, int step)
{
    int faults = 0;
    for (size_t i = 0; i < dbt_works_count; i++) {
        int of_work = 0;
        /* A large one does nothing more that allocates. */
        bool fired = dbt_works[i].stride <= 1;
        for (int nth = (int)i % step; fired; nth += step) {
            fired = starve_once(&dbt_works[i], memory, nth);
            of_work += fired;
        }
        assert_true(of_work > 0 || dbt_works[i].stride > 1);
        faults += of_work;
    }
    print_message("%d times\n", faults);
}

static void sqlite_runs_out_of_memory(void **state)
{
    (void)state;
    static const struct memory memory = {"SQLite's allocation", fault_sqlite_arm,
                                         fault_sqlite_disarm, "memory"};
    starve_all(&memory, sample_stride(29, 1));
}

static void we_run_out_of_memory(void **state)
{
    (void)state;
    static const struct memory memory = {"our allocation", fault_malloc_arm, fault_malloc_disarm,
                                         NULL};
    starve_all(&memory, 1);
}

int main(void)
{
    fault_sqlite_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(we_run_out_of_memory),
        cmocka_unit_test(sqlite_runs_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
