#include "hub/pool/pools.h"
