/* desk.h - gives devices that are in order another certificate when they ask for one. */
#pragma once
#include "hub/fleet/desk.h"

extern const struct desk identity_desk;
