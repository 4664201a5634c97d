# Debian packages only; nothing is downloaded. Minimum versions are Debian 12's.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3>=3.40)
pkg_check_modules(MOSQUITTO REQUIRED IMPORTED_TARGET libmosquitto>=2.0)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson>=1.7.15)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1>=0.2.5)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)
pkg_check_modules(ARGON2 REQUIRED IMPORTED_TARGET libargon2)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)

# Its headers are enough: the worker loads the library when a step needs it (agent/el/pg_library.h).
pkg_check_modules(LIBPQ IMPORTED_TARGET libpq>=13)
option(SELVEDGE_WITH_POSTGRES "tap and target for PostgreSQL" ${LIBPQ_FOUND})
if(SELVEDGE_WITH_POSTGRES AND NOT LIBPQ_FOUND)
    message(FATAL_ERROR "SELVEDGE_WITH_POSTGRES needs libpq (Debian: libpq-dev)")
endif()

# The same (common/curl/curl_library.h).
pkg_check_modules(LIBCURL IMPORTED_TARGET libcurl>=7.85)
option(SELVEDGE_WITH_HTTP "tap and target for HTTP" ${LIBCURL_FOUND})
if(SELVEDGE_WITH_HTTP AND NOT LIBCURL_FOUND)
    message(FATAL_ERROR "SELVEDGE_WITH_HTTP needs libcurl (Debian: libcurl4-openssl-dev)")
endif()

# mbedTLS ships no pkg-config file in Debian 12.
find_path(MBEDTLS_INCLUDE_DIR mbedtls/ssl.h REQUIRED)
find_library(MBEDTLS_LIBRARY mbedtls REQUIRED)
find_library(MBEDX509_LIBRARY mbedx509 REQUIRED)
find_library(MBEDCRYPTO_LIBRARY mbedcrypto REQUIRED)
add_library(mbedtls INTERFACE)
target_include_directories(mbedtls SYSTEM INTERFACE ${MBEDTLS_INCLUDE_DIR})
target_link_libraries(mbedtls INTERFACE ${MBEDTLS_LIBRARY} ${MBEDX509_LIBRARY} ${MBEDCRYPTO_LIBRARY})

pkg_check_modules(MODBUS IMPORTED_TARGET libmodbus>=3.1.6)
option(SELVEDGE_WITH_MODBUS "tap for Modbus" ${MODBUS_FOUND})
if(SELVEDGE_WITH_MODBUS AND NOT MODBUS_FOUND)
    message(FATAL_ERROR "SELVEDGE_WITH_MODBUS needs libmodbus (Debian: libmodbus-dev)")
endif()

if(SELVEDGE_TESTS)
    pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka>=1.1.5)
    find_package(Python3 REQUIRED COMPONENTS Interpreter)
endif()
