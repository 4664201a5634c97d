/* deploy.h - the desk of bundles and deployments. */
#pragma once
#include "hub/fleet/desk.h"

extern const struct desk deploy_desk;
