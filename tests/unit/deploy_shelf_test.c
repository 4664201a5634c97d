/* deploy_shelf_test.c - folders become bundles, bundles give out pieces; pieces go at a rate. */
#include "common/platform/files.h"
#include "hub/deploy/asks.h"
#include "hub/deploy/shelf.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/shelf_pack.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
    struct temp_dir dir;
    struct hub_config config;
    struct buf key, public;
    struct rng rng;
    int64_t new_files; /* that were not there yet */
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct err err = {0};
    assert_non_null(w);
    w->dir = temp_dir_new();
    w->config.state_dir = str_from(temp_dir_path(&w->dir, "hub"));
    w->key = buf_growing(4096);
    w->public = buf_growing(4096);
    w->rng = rng_system();
    assert_true(identity_make_key(&w->rng, &w->key, &err));
    assert_true(identity_public_key(&w->rng, buf_str(&w->key), &w->public, &err));
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    buf_wipe(&w->key);
    buf_release(&w->public);
    temp_dir_release(&w->dir);
    free(w);
    return 0;
}

static void put(struct world *w, const char *name, const char *text, mode_t mode)
{
    struct err err = {0};
    const char *path = temp_dir_path(&w->dir, name);
    struct str folder = STR_NONE;
    struct str base = STR_NONE;
    assert_true(str_cut_last(str_from(path), '/', &folder, &base));
    const char *dir = arena_cstr(&w->dir.arena, folder);
    assert_true(files_make_dirs(dir, 0755, &err));
    assert_true(files_write(path, str_from(text), mode, &err));
}

static bool add(struct world *w, const char *name, struct shelf_packed *ret, struct err *err)
{
    const struct shelf_signer signer = {.key = buf_str(&w->key), .rng = &w->rng};
    return shelf_pack(&w->config, temp_dir_path(&w->dir, name), &signer, ret, &w->new_files, err);
}

static void good_folder(struct world *w, const char *name)
{
    char path[64];
    static const char *const files[][2] = {{"selvedge.yaml", "project: shop\n"},
                                           {"sql/sales.sql", "select 1\n"},
                                           {"sql/same.sql", "select 1\n"},
                                           {".git/config", "not packed"},
                                           {"empty", ""}};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", name, files[i][0]);
        put(w, path, files[i][1], 0644);
    }
    (void)snprintf(path, sizeof(path), "%s/run.sh", name);
    put(w, path, "#!/bin/sh\n", 0755);
}

static void the_same_folder_gives_the_same_hash(void **state)
{
    struct world *w = *state;
    struct shelf_packed one;
    struct shelf_packed two;
    struct err err = {0};
    good_folder(w, "one");
    good_folder(w, "two");
    assert_true(add(w, "one", &one, &err));
    assert_int_equal(one.files, 5);
    assert_int_equal(one.bytes, 14 + 9 + 9 + 10);
    assert_int_equal(w->new_files, 4); /* two are the same */
    assert_true(add(w, "two", &two, &err));
    assert_string_equal(one.hash, two.hash);
    assert_int_equal(w->new_files, 0);
    put(w, "two/sql/sales.sql", "select 2\n", 0644);
    assert_true(add(w, "two", &two, &err));
    assert_string_not_equal(one.hash, two.hash);
    assert_int_equal(w->new_files, 1);
    assert_int_equal(chmod(temp_dir_path(&w->dir, "one/run.sh"), 0644), 0);
    assert_true(add(w, "one", &two, &err));
    assert_string_not_equal(one.hash, two.hash); /* a mode is content */
}

static struct str read_all(struct world *w, struct str bundle, struct str file, struct buf *out)
{
    struct err err = {0};
    int64_t total = 0;
    do {
        struct bundle_want want = {bundle, file, (int64_t)out->len, 16};
        assert_true(shelf_read(&w->config, &want, out, &total, &err));
    } while ((int64_t)out->len < total);
    assert_int_equal(out->len, total);
    return buf_str(out);
}

static void what_is_given_out_is_signed_and_whole(void **state)
{
    struct world *w = *state;
    struct shelf_packed packed;
    struct bundle_manifest m;
    struct err err = {0};
    struct str body = STR_NONE;
    char key[KEY_ID_SIZE];
    char hash[BUNDLE_HASH_SIZE];
    AUTO(arena) arena = arena_new(1 << 20);
    AUTO(buf) message = buf_growing(1 << 20);
    good_folder(w, "signed");
    assert_true(add(w, "signed", &packed, &err));
    struct str all = read_all(w, str_from(packed.hash), STR(""), &message);
    assert_true(signed_open(all, buf_str(&w->public), &body, key, &err));
    digest_hex(body, hash);
    assert_string_equal(hash, packed.hash);
    assert_true(bundle_manifest_decode(body, &arena, &m, &err));
    assert_null(bundle_manifest_find(&m, STR(".git/config")));
    assert_true(bundle_manifest_find(&m, STR("run.sh"))->is_executable);
    const struct bundle_file *sales = bundle_manifest_find(&m, STR("sql/sales.sql"));
    AUTO(buf) bytes = buf_growing(1 << 20);
    assert_true(
        str_eq(read_all(w, str_from(packed.hash), sales->sha256, &bytes), STR("select 1\n")));
    int64_t total = 0;
    struct bundle_want none = {sales->sha256, STR(""), 0, 16};
    assert_false(shelf_read(&w->config, &none, &bytes, &total, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void what_may_not_be_in_a_bundle(void **state)
{
    struct world *w = *state;
    struct shelf_packed packed;
    struct err err = {0};
    assert_false(add(w, "nowhere", &packed, &err));
    put(w, "bare/a.sql", "select 1", 0644);
    assert_false(add(w, "bare", &packed, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    put(w, "link/selvedge.yaml", "project: a\n", 0644);
    assert_int_equal(symlink("/etc/passwd", temp_dir_path(&w->dir, "link/b")), 0);
    assert_false(add(w, "link", &packed, &err));
    assert_string_equal(err.msg, "b: it is a link, and a bundle has files alone");
    put(w, "pipe/selvedge.yaml", "project: a\n", 0644);
    assert_int_equal(mkfifo(temp_dir_path(&w->dir, "pipe/b"), 0600), 0);
    assert_false(add(w, "pipe", &packed, &err));
    assert_string_equal(err.msg,
                        "b: it is neither a file nor a folder, and a bundle has files alone");
    put(w, "yaml/selvedge.yaml", "project: [\n", 0644);
    assert_false(add(w, "yaml", &packed, &err));
    assert_true(str_starts(str_from(err.msg), STR("selvedge.yaml:2:1")));
    put(w, "name/selvedge.yaml", "project: a\n", 0644);
    put(w, "name/a\\b", "", 0644);
    assert_false(add(w, "name", &packed, &err));
    put(w, "large/selvedge.yaml", "project: a\n", 0644);
    put(w, "large/b", "", 0644);
    assert_int_equal(truncate(temp_dir_path(&w->dir, "large/b"), BUNDLE_BYTES_MAX + 1), 0);
    assert_false(add(w, "large", &packed, &err));
    assert_int_equal(err.code, ERR_FULL);
}

/* --- pieces --- */

static bool put_piece(struct world *w, struct str sha256, int64_t offset, struct str bytes,
                      bool *ret_whole, struct err *err)
{
    const struct shelf_piece piece = {sha256, offset, 10, bytes};
    return shelf_put_piece(&w->config, &piece, ret_whole, err);
}

static void a_file_comes_in_pieces_one_after_the_other(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    char hash[BUNDLE_HASH_SIZE];
    bool is_whole = true;
    digest_hex(STR("0123456789"), hash);
    struct str name = str_from(hash);
    assert_true(put_piece(w, name, 0, STR("0123"), &is_whole, &err));
    assert_false(is_whole);
    assert_false(put_piece(w, name, 5, STR("56789"), &is_whole, &err)); /* one is missing */
    assert_int_equal(err.code, ERR_EXISTS);
    assert_false(put_piece(w, name, 4, STR("4567890"), &is_whole, &err)); /* more than it has */
    assert_int_equal(err.code, ERR_INVALID);
    assert_true(put_piece(w, name, 0, STR("01"), &is_whole, &err)); /* anew */
    assert_true(put_piece(w, name, 2, STR("2345678x"), &is_whole, &err) == false);
    assert_int_equal(err.code, ERR_INVALID);
    assert_false(shelf_has_file(&w->config, name));
    assert_false(put_piece(w, name, 2, STR("23456789"), &is_whole, &err)); /* it was forgotten */
    assert_int_equal(err.code, ERR_EXISTS);
    assert_true(put_piece(w, name, 0, STR("0123456789"), &is_whole, &err));
    assert_true(is_whole && shelf_has_file(&w->config, name));
    assert_true(put_piece(w, name, 3, STR("x"), &is_whole, &err) && is_whole); /* it is here */
    assert_false(put_piece(w, STR("../../ca/ca.key"), 0, STR("x"), &is_whole, &err));
    assert_int_equal(err.code, ERR_INVALID);
    const struct shelf_piece huge = {name, 0, BUNDLE_BYTES_MAX + 1, STR("")};
    assert_false(shelf_put_piece(&w->config, &huge, &is_whole, &err));
}

static void a_manifest_names_what_is_here(void **state)
{
    struct world *w = *state;
    const struct shelf_signer signer = {.key = buf_str(&w->key), .rng = &w->rng};
    struct shelf_packed packed;
    struct err err = {0};
    char hash[BUNDLE_HASH_SIZE];
    bool is_whole = false;
    AUTO(buf) text = buf_growing(1 << 20);
    digest_hex(STR("project: a"), hash);
    struct bundle_file file = {.path = STR("selvedge.yaml"), .size = 10, .sha256 = str_from(hash)};
    struct bundle_manifest manifest = {.files = &file, .count = 1, .bytes = 10};
    bundle_manifest_encode(&manifest, &text);
    assert_false(shelf_put_bundle(&w->config, &signer, buf_str(&text), &packed, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_true(put_piece(w, file.sha256, 0, STR("project: a"), &is_whole, &err));
    assert_true(shelf_put_bundle(&w->config, &signer, buf_str(&text), &packed, &err));
    file.size = manifest.bytes = 9;
    buf_reset(&text);
    bundle_manifest_encode(&manifest, &text);
    assert_false(shelf_put_bundle(&w->config, &signer, buf_str(&text), &packed, &err));
    assert_string_equal(err.msg, "selvedge.yaml: its content has 10 bytes");
}

/* --- asks --- */

static void pieces_go_first_come_first_served_at_a_rate(void **state)
{
    (void)state;
    static struct ask ring[ASKS_MAX];
    struct asks asks = {.ring = ring, .rate = 1 << 20};
    struct mono_time now = {NS_PER_SEC};
    struct bundle_want want = {STR("b"), STR("f"), 0, BUNDLE_PIECE_MAX};
    char name[64];
    int64_t sent = 0;
    int64_t wait_ns = 0;
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "device-%d", i);
        assert_true(asks_add(&asks, str_from(name), &want));
    }
    want.offset = 7;
    assert_true(asks_add(&asks, STR("device-1"), &want)); /* in its old place */
    assert_int_equal(asks.count, 1000);
    for (int next = 0; next < 1000;) {
        const struct ask *ask = asks_next(&asks, now, &wait_ns);
        if (ask == NULL) {
            assert_true(wait_ns > 0);
            now.ns += wait_ns;
            continue;
        }
        (void)snprintf(name, sizeof(name), "device-%d", next++);
        assert_string_equal(ask->device, name);
        assert_int_equal(ask->offset, next == 2 ? 7 : 0);
        asks_done(&asks, BUNDLE_PIECE_MAX);
        sent += BUNDLE_PIECE_MAX;
    }
    int64_t took_ns = now.ns - NS_PER_SEC;
    int64_t rate = (sent - ASKS_BURST_BYTES) * 1000 / (took_ns / NS_PER_MS);
    assert_in_range(rate, asks.rate * 95 / 100, asks.rate * 102 / 100);
    assert_null(asks_next(&asks, now, &wait_ns));
    assert_int_equal(wait_ns, 0);
    for (int i = 0; i < ASKS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "device-%d", i);
        assert_true(asks_add(&asks, str_from(name), &want));
    }
    assert_false(asks_add(&asks, STR("one-more"), &want));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_folder_gives_the_same_hash),
        cmocka_unit_test(what_is_given_out_is_signed_and_whole),
        cmocka_unit_test(what_may_not_be_in_a_bundle),
        cmocka_unit_test(a_file_comes_in_pieces_one_after_the_other),
        cmocka_unit_test(a_manifest_names_what_is_here),
        cmocka_unit_test(pieces_go_first_come_first_served_at_a_rate),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
