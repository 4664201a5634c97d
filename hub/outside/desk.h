/* desk.h - the desk that brings reports from outside into the log (hub/fleet/desk.h). */
#pragma once
#include "hub/fleet/desk.h"

extern const struct desk outside_desk;
