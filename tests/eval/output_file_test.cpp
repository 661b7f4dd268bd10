#include <kvx/eval/records/output_file.hpp>
#include <kvx/io/text_file.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <utility>

#include "support/error_of.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

TEST_CASE("An output file is appended to and read at an offset") {
  const TempDir dir;
  const std::string path = dir.write("a", "one");
  OutputFile file(path);
  file.write("two");
  CHECK(read_text_file(path) == "onetwo");
  CHECK(file.read(2, 3) == "etw");
  CHECK(error_of([&] { file.read(2, 6); }) == path + ": expected 2 more bytes, found the end of the file");
  file.truncate(4);
  file.write("!");
  CHECK(read_text_file(path) == "onet!");
}

TEST_CASE("A file is replaced only when the new one is complete") {
  const TempDir dir;
  const std::string path = dir.write("a", "old");
  {
    OutputFile file = OutputFile::replacing(path);
    file.write("new");
    CHECK(read_text_file(path) == "old");
  }
  CHECK(read_text_file(path) == "old");
  replace_file(path, "new");
  CHECK(read_text_file(path) == "new");
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
}

TEST_CASE("A lock holds until its file is closed") {
  const TempDir dir;
  OutputFile second(dir.path() + "/a");
  {
    OutputFile first(dir.path() + "/a");
    CHECK(first.lock());
    CHECK_FALSE(second.lock());
    OutputFile moved = std::move(first);
    CHECK_FALSE(second.lock());
  }
  CHECK(second.lock());
  CHECK(second.is_at_its_path());
  replace_file(dir.path() + "/a", "");
  CHECK_FALSE(second.is_at_its_path());
}

TEST_CASE("A file that cannot be opened or written is an error that names its path") {
  const TempDir dir;
  CHECK(error_of([&] { OutputFile(dir.path()); }) == dir.path() + ": cannot open: Is a directory");
  CHECK(error_of([&] { replace_file(dir.path() + "/none/a", ""); }) ==
        dir.path() + "/none/a.tmp: cannot open: No such file or directory");
  OutputFile full("/dev/full");
  CHECK(error_of([&] { full.write("x"); }) == "/dev/full: cannot write: No space left on device");
  CHECK(error_of([&] { (void)full.is_at_its_path(); }) == "/dev/full: not a regular file");
}
