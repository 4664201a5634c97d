selvedge_test(NAME hub_desired_compose_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/hub_desired_compose_test.c
    LIBS hub_desired common_json)
selvedge_test(NAME hub_desired_document_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/hub_desired_document_test.c
    LIBS hub_desired agent_definitions common_json)
