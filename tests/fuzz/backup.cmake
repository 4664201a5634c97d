selvedge_fuzz(NAME archive SOURCES ${CMAKE_CURRENT_LIST_DIR}/archive_fuzz.c LIBS hub_backup)
