/* dataset.h - the address of data, by which assets of several devices are joined: "NAMESPACE NAME", as
 * OpenLineage names datasets, such as "postgres://warehouse:5432 shop.public.orders" or
 * "file:// /data/orders.csv". docs/reference/lineage.md. Pure. */
#pragma once
#include "common/base/buf.h"

enum { DATASET_BYTES_MAX = 2048 };

/* Who means the same by an address. */
enum dataset_scope {
    DATASET_EVERYWHERE,
    DATASET_SITE,   /* a private address: devices of one site */
    DATASET_DEVICE, /* no host, or the device's own (localhost): nobody else */
};
struct dataset {
    struct str scheme, host, port, path; /* of the namespace; all but the first may be empty */
    struct str name;
    enum dataset_scope scope;
};
/* False: it is none. Borrows the text. A user in it is passed over. */
bool dataset_parse(struct str address, struct dataset *ret);
/* What equal addresses have in common: host in lower case, usual port filled in, no host where it is
 * the device's own. With `host` that one stands in its place. */
void dataset_add(struct buf *out, const struct dataset *d, struct str host);
