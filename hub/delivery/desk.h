/* desk.h - the desk that lets reports go out by their schedules (hub/fleet/desk.h). */
#pragma once
#include "hub/fleet/desk.h"

extern const struct desk delivery_desk;
