/* desk.h - the desk that looks for trouble and tells of it (hub/fleet/desk.h). */
#pragma once
#include "hub/fleet/desk.h"

extern const struct desk alert_desk;
