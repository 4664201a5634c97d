/* compiler.h - the few attributes we use, spelled once. */
#pragma once

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK             __attribute__((warn_unused_result))
#define UNUSED                 __attribute__((unused))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A local that releases itself: AUTO(db_tx) tx = ...; calls db_tx_release(&tx) at the end of the
 * scope. */
#define AUTO(name) __attribute__((cleanup(name##_release))) struct name
