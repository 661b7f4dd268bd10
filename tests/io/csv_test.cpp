#include <kvx/io/csv.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
std::string csv_error(const std::string& text) {
  return error_of([&] { CsvTable(text, "f.csv"); });
}
}  // namespace

TEST_CASE("CSV fields are found by column name, quoted or not, with LF or CRLF at line ends") {
  const CsvTable csv("a,\"b \"\"2\"\"\",c\r\n1,\"x, y\",-2.5e1\r\n,\"two\nlines\",", "f.csv");
  REQUIRE(csv.rows() == 2);
  CHECK(csv.has("b \"2\""));
  CHECK_FALSE(csv.has("d"));
  CHECK(csv.text(0, "b \"2\"") == "x, y");
  CHECK(csv.number(0, "c") == -25);
  CHECK(csv.text(1, "b \"2\"") == "two\nlines");
  CHECK(std::isnan(csv.number(1, "a")));
  CHECK(csv.text(1, "c").empty());
  CHECK(CsvTable("a\n\"\"\n", "f.csv").text(0, "a").empty());
  CHECK(CsvTable("a,b\n", "f.csv").rows() == 0);
}

TEST_CASE("Malformed CSV is an error with its line, where line ends within quotes count") {
  CHECK(csv_error("") == "f.csv: expected a line with the names of columns, found an empty file");
  CHECK(csv_error("a,b\n1,2\n3\n") == "f.csv: line 3: expected 2 fields, found 1");
  CHECK(csv_error("a,b\n\"1\n\n\",2\n3\n") == "f.csv: line 5: expected 2 fields, found 1");
  CHECK(csv_error("a\n\"b\nc") == "f.csv: line 3: expected a closing quote, found the end of the file");
  CHECK(csv_error("a\n\"b\"c\n") == "f.csv: line 2: expected quotes around a whole field");
  CHECK(csv_error("a\nb\"\n") == "f.csv: line 2: expected quotes around a whole field");
}

TEST_CASE("A field that is not a number and a missing column are errors with line and column") {
  const CsvTable csv("a,b\n1,2\n1e999,4x\n", "f.csv");
  CHECK(error_of([&] { csv.number(1, "a"); }) == "f.csv: line 3: column a: expected a number, found '1e999'");
  CHECK(error_of([&] { csv.number(1, "b"); }) == "f.csv: line 3: column b: expected a number, found '4x'");
  CHECK(error_of([&] { csv.text(0, "d"); }) == "f.csv: line 1: expected a column d, found a,b");
  CHECK(error_of([&] { csv.count(1, "b"); }) == "f.csv: line 3: column b: expected a number, found '4x'");
  CHECK(error_of([&] { csv.flag(0, "a"); }) == "f.csv: line 2: column a: expected true or false, found '1'");
  CHECK(csv.count(0, "b") == 2);
  CHECK(error_of([&] { CsvTable("a\n1.5\n", "f.csv").count(0, "a"); }) ==
        "f.csv: line 2: column a: expected a whole number, found '1.5'");
}
