#include "tests/support/sample.h"

#include <stdlib.h>

int sample_stride(int usual, int with_long)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): tests have one thread */
    return getenv("SELVEDGE_LONG") != NULL ? with_long : usual;
}
