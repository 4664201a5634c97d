selvedge_fuzz(NAME batch SOURCES ${CMAKE_CURRENT_LIST_DIR}/batch_fuzz.c LIBS common_wire)
selvedge_fuzz(NAME messages SOURCES ${CMAKE_CURRENT_LIST_DIR}/messages_fuzz.c LIBS common_wire)
selvedge_fuzz(NAME command SOURCES ${CMAKE_CURRENT_LIST_DIR}/command_fuzz.c LIBS common_wire)
selvedge_fuzz(NAME desired SOURCES ${CMAKE_CURRENT_LIST_DIR}/desired_fuzz.c LIBS common_wire)
