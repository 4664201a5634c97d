/* attributes.h - assets as the selection language sees them. Internal to agent/definitions. */
#pragma once
#include "agent/definitions/definitions.h"

/* Borrows the definitions. */
struct selection_attributes definitions_attributes(const struct definitions *defs);
