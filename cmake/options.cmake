# Every compiler and linker flag of the project, in one INTERFACE target that each of our own targets links privately.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(project_options INTERFACE)
target_include_directories(project_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_definitions(project_options INTERFACE _GNU_SOURCE SELVEDGE_VERSION="${PROJECT_VERSION}")
target_compile_options(project_options INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wformat=2 -Wundef -Wvla -Walloca
    -Wcast-qual -Wwrite-strings -Wstrict-prototypes -Wold-style-definition -Wmissing-prototypes
    -Wimplicit-fallthrough -Wdouble-promotion -Wswitch-enum
    -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -g)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(project_options INTERFACE
        -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wtrampolines)
endif()
if(SELVEDGE_WERROR)
    target_compile_options(project_options INTERFACE -Werror)
endif()

if(SELVEDGE_SANITIZE)
    target_compile_options(project_options INTERFACE
        -fsanitize=${SELVEDGE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(project_options INTERFACE -fsanitize=${SELVEDGE_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
    target_compile_options(project_options INTERFACE
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
        -ftrivial-auto-var-init=zero
        $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection=full>
        $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},aarch64>:-mbranch-protection=standard>)
    target_link_options(project_options INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
        -Wl,--gc-sections)
    target_compile_options(project_options INTERFACE -ffunction-sections -fdata-sections)
endif()
if(SELVEDGE_FUZZ)
    # Coverage of our libraries is what guides the fuzzer; the targets themselves add its main function.
    target_compile_options(project_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
# Asserts stay on in every build: they are for our own bugs, and a crash is a tested start-up path.
set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
