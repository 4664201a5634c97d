/* connectors.h - the tables of taps and targets that this build carries out. What they are called and
 * their options: agent/connectors/connector.h. Those without a place in the build (cmake/connectors.cmake)
 * are declared all the same. */
#pragma once
#include "agent/el/tap.h"
#include "agent/el/target.h"

extern const struct tap_ops tap_sqlite;
extern const struct tap_ops tap_csv;
extern const struct tap_ops tap_jsonl;
extern const struct tap_ops tap_singer;
extern const struct tap_ops tap_singer_program;
extern const struct tap_ops tap_singer_input;
extern const struct tap_ops tap_system;
extern const struct tap_ops tap_mqtt;
extern const struct tap_ops tap_http;
extern const struct tap_ops tap_modbus;
extern const struct tap_ops tap_postgres;
extern const struct target_ops target_sqlite;
extern const struct target_ops target_jsonl;
extern const struct target_ops target_csv;
extern const struct target_ops target_mqtt;
extern const struct target_ops target_http;
extern const struct target_ops target_postgres;
extern const struct target_ops target_singer_program;

/* ERR_INVALID names the types there are, or the package that brings one that is not in the build.
 */
MUST_CHECK bool connectors_tap(struct str type, const struct tap_ops **ret, struct err *err);
MUST_CHECK bool connectors_target(struct str type, const struct target_ops **ret, struct err *err);
