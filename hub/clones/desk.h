/* desk.h - the desk that notices two hosts with one identity, and stops listening to the newer one
 * (hub/fleet/desk.h). */
#pragma once
#include "hub/fleet/desk.h"

extern const struct desk clones_desk;
