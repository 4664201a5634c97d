/* pg_library.h - libpq, loaded when the first connection is made and not before: it brings TLS,
 * Kerberos and LDAP libraries with it, which a step that needs no PostgreSQL would pay for in
 * start-up time and memory, and a device without PostgreSQL would have to install. */
#pragma once
#include "common/base/err.h"

#include <libpq-fe.h>

/* Each function of libpq that is used. */
#define PG_LIBRARY_FUNCTIONS(X)                                                                    \
    X(PQconninfoParse)                                                                             \
    X(PQconninfoFree)                                                                              \
    X(PQfreemem)                                                                                   \
    X(PQconnectStartParams)                                                                        \
    X(PQconnectPoll)                                                                               \
    X(PQsetErrorVerbosity)                                                                         \
    X(PQsetNoticeProcessor)                                                                        \
    X(PQsocket)                                                                                    \
    X(PQstatus)                                                                                    \
    X(PQserverVersion)                                                                             \
    X(PQdb)                                                                                        \
    X(PQerrorMessage)                                                                              \
    X(PQfinish)                                                                                    \
    X(PQsendQuery)                                                                                 \
    X(PQsendQueryParams)                                                                           \
    X(PQconsumeInput)                                                                              \
    X(PQisBusy)                                                                                    \
    X(PQgetResult)                                                                                 \
    X(PQsetSingleRowMode)                                                                          \
    X(PQtransactionStatus)                                                                         \
    X(PQresultStatus)                                                                              \
    X(PQresultErrorField)                                                                          \
    X(PQcmdTuples)                                                                                 \
    X(PQfname)                                                                                     \
    X(PQftype)                                                                                     \
    X(PQntuples)                                                                                   \
    X(PQnfields)                                                                                   \
    X(PQgetvalue)                                                                                  \
    X(PQgetlength)                                                                                 \
    X(PQgetisnull)                                                                                 \
    X(PQclear)                                                                                     \
    X(PQputCopyData)                                                                               \
    X(PQputCopyEnd)                                                                                \
    X(PQgetCopyData)                                                                               \
    X(PQgetCancel)                                                                                 \
    X(PQcancel)                                                                                    \
    X(PQfreeCancel)

#define PG_LIBRARY_MEMBER(name) __typeof__(name) *(name);
struct pg_library {
    PG_LIBRARY_FUNCTIONS(PG_LIBRARY_MEMBER)
};
#undef PG_LIBRARY_MEMBER

/* ERR_NOT_FOUND when it is not installed; the hint names Debian's package. */
MUST_CHECK bool pg_library_load(const struct pg_library **ret, struct err *err);
