selvedge_test(NAME delivery_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/delivery_test.c LIBS hub_delivery)
