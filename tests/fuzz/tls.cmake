selvedge_fuzz(NAME cert SOURCES ${CMAKE_CURRENT_LIST_DIR}/cert_fuzz.c LIBS common_tls common_base)
selvedge_fuzz(NAME csr SOURCES ${CMAKE_CURRENT_LIST_DIR}/csr_fuzz.c LIBS common_tls common_base)
