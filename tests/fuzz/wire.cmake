selvedge_fuzz(NAME batch SOURCES ${CMAKE_CURRENT_LIST_DIR}/batch_fuzz.c LIBS common_wire)
