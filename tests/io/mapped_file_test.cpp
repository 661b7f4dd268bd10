#include <kvx/io/mapped_file.hpp>

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "support/error_of.hpp"
#include "support/temp_dir.hpp"

using kvx::MappedFile;

TEST_CASE("a mapped file has the bytes of the file, also after a move") {
  const TempDir dir;
  MappedFile file(dir.write("a", "hello")), empty(dir.write("b", ""));
  const MappedFile moved = std::move(file);
  CHECK(moved.text() == "hello");
  CHECK(empty.text().empty());
  empty = MappedFile(dir.write("c", "again"));
  CHECK(empty.text() == "again");
}

TEST_CASE("a missing file and one that is not a regular file are errors that name it") {
  const TempDir dir;
  const std::string pipe = dir.path() + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(error_of([&] { MappedFile(dir.path() + "/none"); }) ==
        dir.path() + "/none: cannot open: No such file or directory");
  const std::string link = dir.path() + "/snapshots/model";
  std::filesystem::create_directories(dir.path() + "/snapshots");
  std::filesystem::create_symlink("../blobs/c0ffee", link);
  CHECK(error_of([&] { MappedFile file(link); }) ==
        link + ": cannot open: a link to " + dir.path() + "/blobs/c0ffee, which is missing");
  CHECK(kvx::file_exists(link));
  CHECK_FALSE(kvx::file_exists(dir.path() + "/none"));
  CHECK(error_of([&] { MappedFile file(dir.path()); }) == dir.path() + ": not a regular file");
  CHECK(error_of([&] { MappedFile file(pipe); }) == pipe + ": not a regular file");
}

TEST_CASE("dropped pages are read again from the file; other memory does not change") {
  const TempDir dir;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const MappedFile file(dir.write("a", std::string(4 * page, 'x')));
  char* const memory = const_cast<char*>(file.text().data());
  REQUIRE(::mprotect(memory, 4 * page, PROT_READ | PROT_WRITE) == 0);  // private changes show which pages were dropped
  std::fill_n(memory, 4 * page, 'z');
  const auto pages = [&] { return std::string{memory[0], memory[page], memory[2 * page], memory[3 * page]}; };

  std::string other(4 * page, 'y');
  file.drop_pages(std::as_bytes(std::span(other)));
  file.drop_pages({file.bytes().data() + page, 4 * page});
  file.drop_pages({});
  CHECK(other == std::string(4 * page, 'y'));
  CHECK(pages() == "zzzz");

  file.drop_pages(file.bytes().subspan(1, 3 * page));  // pages 1 and 2 lie inside
  CHECK(pages() == "zxxz");
  file.drop_pages(file.bytes());
  CHECK(file.text() == std::string(4 * page, 'x'));
}
