/* desk.h - the desk that gives out places in pools (hub/fleet/desk.h). */
#pragma once
#include "hub/fleet/desk.h"

extern const struct desk pool_desk;
