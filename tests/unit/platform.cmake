foreach(name clock rng loop timer spawn confine proc files folder_watch notify)
    selvedge_test(NAME platform_${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/platform_${name}_test.c LIBS common_platform test_support)
endforeach()
# Faults of the kernel, made by the linker: a step of the clock, a disk that fails at fsync.
target_link_options(platform_loop_test PRIVATE
    -Wl,--wrap=timerfd_create -Wl,--wrap=timerfd_settime -Wl,--wrap=read)
target_link_options(platform_files_test PRIVATE -Wl,--wrap=fsync -Wl,--wrap=rename)
target_compile_definitions(platform_confine_test PRIVATE SELVEDGE_EXEC="$<TARGET_FILE:selvedge-exec>")
add_dependencies(platform_confine_test selvedge-exec)
