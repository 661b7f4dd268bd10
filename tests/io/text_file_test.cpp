#include <kvx/io/mapped_file.hpp>
#include <kvx/io/text_file.hpp>

#include <doctest/doctest.h>

#include <zlib.h>

#include <string>

#include "support/error_of.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
std::string gzip(const TempDir& dir, const std::string& name, const std::string& text) {
  std::string path = dir.path() + "/" + name;
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return path;
}
}  // namespace

TEST_CASE("A text file is read whole, plain or gzip") {
  const TempDir dir;
  std::string text = "a\r\nb\0c\x85";
  for (int i = 0; i < 40'000; ++i) text += std::to_string(i);
  CHECK(read_text_file(dir.write("plain", text)) == text);
  CHECK(read_text_file(gzip(dir, "packed", text)) == text);
  CHECK(read_text_file(dir.write("empty", "")).empty());

  const MappedFile packed(dir.path() + "/packed");
  const std::string member(packed.text());
  CHECK(read_text_file(dir.write("two", member + member)) == text + text);
}

TEST_CASE("A text file that cannot be read whole is an error with its path") {
  const TempDir dir;
  CHECK(error_of([&] { read_text_file(dir.path() + "/none"); }) ==
        dir.path() + "/none: cannot open: No such file or directory");
  CHECK(error_of([&] { read_text_file(dir.path()); }).starts_with(dir.path() + ": cannot read: "));
  const std::string packed = read_text_file(gzip(dir, "packed", std::string(100'000, 'x')));
  CHECK(error_of([&] { read_text_file(dir.path() + "/packed", 99'999); }) ==
        dir.path() + "/packed: expected at most 99999 bytes, found more");
  const MappedFile member(dir.path() + "/packed");
  for (const std::string more : {"{\"a\": 1}\n", "\x1f\x8b", "\n"})
    CHECK(error_of([&] {
            read_text_file(dir.write("more", std::string(member.text()) + more));
          }).starts_with(dir.path() + "/more: expected text or a complete gzip file: "));
  std::filesystem::resize_file(dir.path() + "/packed", 60);
  CHECK(error_of([&] {
          read_text_file(dir.path() + "/packed");
        }).starts_with(dir.path() + "/packed: expected text or a complete gzip file: "));
}
