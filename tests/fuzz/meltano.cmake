selvedge_fuzz(NAME meltano SOURCES ${CMAKE_CURRENT_LIST_DIR}/meltano_fuzz.c LIBS agent_meltano)
selvedge_fuzz(NAME meltano_catalog SOURCES ${CMAKE_CURRENT_LIST_DIR}/meltano_catalog_fuzz.c LIBS agent_meltano)
