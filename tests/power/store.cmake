add_library(store_work STATIC store_work.c)
target_link_libraries(store_work PUBLIC store_fixture PRIVATE project_options)

foreach(name power fault)
    selvedge_test(NAME store_${name}_test LABEL power TIMEOUT 1200
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/store_${name}_test.c LIBS store_work)
endforeach()

# The life of runs in the same store, in strides; with `./dev test --long` each cut and each fault.
selvedge_test(NAME run_power_test LABEL power TIMEOUT 3600
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/run_power_test.c ${CMAKE_CURRENT_LIST_DIR}/run_work.c LIBS store_fixture)
