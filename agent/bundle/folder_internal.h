/* folder_internal.h - what the files that answer for bundles on disk share. */
#pragma once
#include "agent/bundle/folder.h"

MUST_CHECK bool folder_sync(const char *path, struct err *err);
