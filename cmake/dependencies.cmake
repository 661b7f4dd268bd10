include(FetchContent)

# kvx_dependency(TARGET FIND find_package-arguments... | PKG_CONFIG module GIT url COMMIT id
#                [INCLUDE directory] [SOURCES files...] [DEFINE macro] [LIBRARY name])
#
# Provides TARGET from the system or, if the system lacks it, from sources pinned to a commit. The sources are used as
# plain headers in INCLUDE with SOURCES to compile, without the options, tests and install rules of their own build.
# LIBRARY is the target of a library that must be built by its own CMakeLists.
function(kvx_dependency target)
  cmake_parse_arguments(arg "" "PKG_CONFIG;GIT;COMMIT;INCLUDE;DEFINE;LIBRARY" "FIND;SOURCES" ${ARGN})
  string(REGEX REPLACE ".*::(KVX_)?" "" name ${target})
  if(NOT TARGET ${target} AND arg_FIND)
    find_package(${arg_FIND} QUIET GLOBAL)
  elseif(NOT TARGET ${target})
    find_package(PkgConfig QUIET)
    if(PKG_CONFIG_FOUND)
      pkg_check_modules(KVX_${name} QUIET IMPORTED_TARGET GLOBAL ${arg_PKG_CONFIG})
    endif()
  endif()
  if(TARGET ${target})
    return()
  endif()

  message(STATUS "kvx: ${name} is not installed, using ${arg_GIT} at ${arg_COMMIT}")
  string(TOLOWER kvx_${name} fetched)
  if(NOT arg_LIBRARY)
    set(subdirectory SOURCE_SUBDIR none)
  endif()
  FetchContent_Declare(${fetched} GIT_REPOSITORY ${arg_GIT} GIT_TAG ${arg_COMMIT} GIT_SUBMODULES "" SYSTEM ${subdirectory})
  FetchContent_MakeAvailable(${fetched})
  if(NOT arg_LIBRARY)
    set(arg_LIBRARY ${fetched})
    set(scope INTERFACE)
    if(arg_SOURCES)
      set(scope PUBLIC)
      list(TRANSFORM arg_SOURCES PREPEND ${${fetched}_SOURCE_DIR}/)
      add_library(${fetched} STATIC ${arg_SOURCES})
    else()
      add_library(${fetched} INTERFACE)
    endif()
    target_include_directories(${fetched} SYSTEM ${scope} ${${fetched}_SOURCE_DIR}/${arg_INCLUDE})
    target_compile_definitions(${fetched} ${scope} ${arg_DEFINE})
  endif()
  add_library(${target} ALIAS ${arg_LIBRARY})
  set(kvx_fetched ${kvx_fetched} ${name} PARENT_SCOPE)
endfunction()

# Options for PCRE2's CMakeLists. The last two make it work with newer versions of CMake.
set(PCRE2_BUILD_TESTS OFF)
set(PCRE2_BUILD_PCRE2GREP OFF)
set(PCRE2_SHOW_REPORT OFF)
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
set(CMAKE_POLICY_VERSION_MINIMUM 3.5)

find_package(Threads REQUIRED GLOBAL)
kvx_dependency(Eigen3::Eigen FIND Eigen3 3.4 NO_MODULE
               GIT https://gitlab.com/libeigen/eigen.git COMMIT 3147391d946bb4b6c68edd901f2add6ac1f31f8c) # 3.4.0
kvx_dependency(simdjson::simdjson FIND simdjson
               GIT https://github.com/simdjson/simdjson.git COMMIT 1bcf71bd85059ab6574ea1159de9298dcc1212c5 # 4.6.4
               INCLUDE singleheader SOURCES singleheader/simdjson.cpp)
kvx_dependency(PkgConfig::KVX_PCRE2 PKG_CONFIG libpcre2-8>=10.40
               GIT https://github.com/PCRE2Project/pcre2.git COMMIT 52c08847921a324c804cabf2814549f50bce1265 # 10.42
               LIBRARY pcre2-8-static)
kvx_dependency(PkgConfig::KVX_UTF8PROC PKG_CONFIG libutf8proc
               GIT https://github.com/JuliaStrings/utf8proc.git COMMIT 1cb28a66ca79a0845e99433fd1056257456cef8b # 2.8.0
               SOURCES utf8proc.c DEFINE UTF8PROC_STATIC)
kvx_dependency(ZLIB::ZLIB FIND ZLIB
               GIT https://github.com/madler/zlib.git COMMIT 51b7f2abdade71cd9bb0e7a373ef2610ec6f9daf # 1.3.1
               SOURCES adler32.c crc32.c gzclose.c gzlib.c gzread.c gzwrite.c deflate.c inffast.c inflate.c inftrees.c
                       trees.c zutil.c
               DEFINE Z_HAVE_UNISTD_H)
kvx_dependency(valijson FIND valijson
               GIT https://github.com/tristanpenman/valijson.git COMMIT 4edda758546436462da479bb8c8514f8a95c35ad # 1.0.6
               INCLUDE include)
set(kvx_fetched_libraries ${kvx_fetched}) # an installed kvx could not find these

if(KVX_BUILD_TESTS)
  kvx_dependency(doctest::doctest FIND doctest 2.4.9
                 GIT https://github.com/doctest/doctest.git COMMIT b7c21ec5ceeadb4951b00396fc1e4642dd347e5f) # 2.4.9
endif()
if(KVX_BUILD_EXAMPLES)
  kvx_dependency(CLI11::CLI11 FIND CLI11 2.1
                 GIT https://github.com/CLIUtils/CLI11.git COMMIT 6c7b07a878ad834957b98d0f9ce1dbe0cb204fc9 # 2.4.2
                 INCLUDE include)
  kvx_dependency(yaml-cpp FIND yaml-cpp 0.7
                 GIT https://github.com/jbeder/yaml-cpp.git COMMIT f7320141120f720aecc4c32be25586e7da9eb978 # 0.8.0
                 LIBRARY yaml-cpp)
endif()
if(KVX_BUILD_BENCH)
  kvx_dependency(Catch2::Catch2 FIND Catch2 2.13
                 GIT https://github.com/catchorg/Catch2.git COMMIT 182c910b4b63ff587a3440e08f84f70497e49a81 # 2.13.10
                 INCLUDE single_include)
endif()
