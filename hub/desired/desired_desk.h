/* desired_desk.h - desired state in the running hub: puts documents together when they, labels or
 * devices change, issues revisions, signs and sends them, and heals brokers and hubs that forgot. */
#pragma once
#include "hub/fleet/desk.h"

extern const struct desk desired_desk;
