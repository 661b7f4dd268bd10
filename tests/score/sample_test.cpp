#include <kvx/score/sample.hpp>

#include <doctest/doctest.h>

#include <zlib.h>

#include <string>

#include "support/error_of.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
const std::string kRow =
    "{\"context\": \"c\u2028\u0085\", \"question\": \"q\", \"answer_prefix\": \"\", \"answer\": \"{}\", \"task\": "
    "\"t\", \"max_new_tokens\": 128, "
    "\"more\": 1}";
std::string edited_row(const std::string& part, const std::string& replacement) {
  std::string row = kRow;
  return row.replace(row.find(part), part.size(), replacement);
}
}  // namespace

TEST_CASE("The six columns of every line are read, plain or gzip") {
  const TempDir dir;
  const std::string text = kRow + "\n" + edited_row("\"q\"", "\"\\ud83d\\ude00\"") + "\r\n";
  const gzFile file = gzopen((dir.path() + "/b.jsonl.gz").c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  for (const std::string& path : {dir.write("a.jsonl", text), dir.write("c.jsonl", text.substr(0, text.size() - 1)),
                                  dir.path() + "/b.jsonl.gz"}) {
    const auto samples = load_samples(path);
    REQUIRE(samples.size() == 2);
    CHECK(samples[0].context == "c\u2028\u0085");  // only a line feed ends a line
    CHECK(samples[0].question == "q");
    CHECK(samples[0].answer_prefix.empty());
    CHECK(samples[0].answer == "{}");
    CHECK(samples[0].task == "t");
    CHECK(samples[0].max_new_tokens == 128);
    CHECK(samples[1].question == "\U0001F600");
  }
}

TEST_CASE("A bad line is an error with file, line and column") {
  const TempDir dir;
  const auto message = [&](const std::string& line) {
    const std::string path = dir.write("d", kRow + "\n" + line + "\n"), error = error_of([&] { load_samples(path); });
    return error.starts_with(path + ": line 2: ") ? error.substr(path.size() + 10) : "elsewhere: " + error;
  };
  CHECK(message(edited_row("\"answer\": \"{}\", ", "")) == "missing column answer");
  CHECK(message(edited_row("\"q\"", "null")) == "column question: expected a string, found null");
  for (const char* count : {"0", "-1", "1.5", "1e2", "99999999999"})
    CHECK(message(edited_row("128", count)) ==
          std::string("column max_new_tokens: expected a whole number from 1 to 2147483647, found ") + count);
  CHECK(message(edited_row("128", "\"1\"")).ends_with("found a string"));
  CHECK(message("[1]") == "expected a JSON object, found an array");
  CHECK(message("{\"context\"") == "expected a JSON object, found {\"context\"");
  for (const char* nothing : {"", "\n \r\n"}) {
    const std::string empty = dir.write("empty", nothing);
    CHECK(error_of([&] { load_samples(empty); }) == empty + ": expected JSON lines, found an empty file");
  }
}

TEST_CASE("Blank lines are skipped, but count in line numbers") {
  const TempDir dir;
  const std::string path = dir.write("d", kRow + "\n\n \r\n" + kRow + "\n\n");
  CHECK(load_samples(path).size() == 2);
  const std::string bad = dir.write("bad", "\n" + kRow + "\n\n[1]\n\n");
  CHECK(error_of([&] { load_samples(bad); }).starts_with(bad + ": line 4: expected a JSON object"));
}
