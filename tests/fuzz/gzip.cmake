selvedge_fuzz(NAME gzip SOURCES ${CMAKE_CURRENT_LIST_DIR}/gzip_fuzz.c LIBS common_gzip)
