#include <kvx/io/csv_columns.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace csv_words {
enum class Mood { calm, cross, odd };
std::string_view written(Mood mood) {
  return mood == Mood::calm ? "calm" : mood == Mood::cross ? "cross" : "odd, very";
}
}  // namespace csv_words

namespace {
using csv_words::Mood;

struct When {
  double long_ago = 0, roughly = 0;
};

struct Visit {
  std::string who;
  When when = {};
  std::size_t times = 0;
  bool again = false;
  Mood mood = Mood::calm;
};

CsvColumns<Visit> visits() {
  CsvColumns<Visit> columns;
  columns.add("who", &Visit::who)
      .add("long_ago", &Visit::when, &When::long_ago)
      .add_six_digits("roughly", &Visit::when, &When::roughly)
      .add(
          "times", [](auto& visit) -> auto& { return visit.times; })
      .add("again", &Visit::again)
      .add_word("mood", std::vector{Mood::calm, Mood::cross, Mood::odd}, &Visit::mood);
  return columns;
}

std::string visit_error(const std::string& text) {
  return error_of([&] { (void)visits().rows(CsvTable(text, "f.csv")); });
}

const std::string kHead = "who,long_ago,roughly,times,again,mood\n";
}  // namespace

TEST_CASE("Rows are written and read back with one description of their columns") {
  const std::vector<Visit> rows = {{"Ada, \"Countess\"", {1.0 / 3, 1.0 / 3}, 7, true, Mood::odd},
                                   {"", {NAN, NAN}, 0, false, Mood::cross}};
  const std::string text = visits().text(rows);
  CHECK(text ==
        kHead + "\"Ada, \"\"Countess\"\"\",0.3333333333333333,0.333333,7,true,\"odd, very\"\n,,,0,false,cross\n");
  const std::vector<Visit> read = visits().rows(CsvTable(text, "f.csv"));
  REQUIRE(read.size() == 2);
  CHECK(read[0].who == rows[0].who);
  CHECK(read[0].when.long_ago == 1.0 / 3);
  CHECK(read[0].when.roughly == 0.333333);
  CHECK(read[0].times == 7);
  CHECK(read[0].again);
  CHECK(read[0].mood == Mood::odd);
  CHECK(std::isnan(read[1].when.long_ago));
  CHECK(read[1].mood == Mood::cross);
  CHECK(visits().text({}) == kHead);
}

TEST_CASE("Columns are found by name, in any order, and other columns are ignored") {
  const std::string text = "more,mood,again,times,roughly,long_ago,who\n9,calm,false,2,0,0,me\n";
  const std::vector<Visit> read = visits().rows(CsvTable(text, "f.csv"));
  REQUIRE(read.size() == 1);
  CHECK(read[0].who == "me");
  CHECK(read[0].times == 2);
}

TEST_CASE("A missing column and an invalid field are errors with file, line and column") {
  CHECK(visit_error("who,long_ago,times,again,mood\n") ==
        "f.csv: line 1: expected a column roughly, found who,long_ago,times,again,mood");
  CHECK(visit_error(kHead + "me,soon,0,1,true,calm\n") ==
        "f.csv: line 2: column long_ago: expected a number, found 'soon'");
  CHECK(visit_error(kHead + "me,1,0,-1,true,calm\n") ==
        "f.csv: line 2: column times: expected a whole number, found '-1'");
  CHECK(visit_error(kHead + "me,1,0,1,yes,calm\n") ==
        "f.csv: line 2: column again: expected true or false, found 'yes'");
  CHECK(visit_error(kHead + "me,1,0,1,true,sad\n") ==
        "f.csv: line 2: column mood: expected calm, cross or odd, very, found sad");
  CsvColumns<Visit> checked = visits();
  checked.check([](const CsvTable& csv, std::size_t row) {
    if (csv.count(row, "times") == 0) csv.fail(row, "times", "a visit");
  });
  CHECK(error_of([&] { (void)checked.rows(CsvTable(kHead + "me,1,0,0,true,calm\n", "f.csv")); }) ==
        "f.csv: line 2: column times: expected a visit, found '0'");
}

TEST_CASE("A column that files may lack is read if it is there") {
  auto columns = visits();
  columns.add("guests", &Visit::times).may_lack();
  CHECK(columns.rows(CsvTable(kHead + "a,1,1,7,true,calm\n", "f.csv")).at(0).times == 7);
  const std::string head = "who,long_ago,roughly,times,again,mood,guests\n";
  CHECK(columns.rows(CsvTable(head + "a,1,1,7,true,calm,3\n", "f.csv")).at(0).times == 3);
  CHECK(error_of([&] { (void)columns.rows(CsvTable(head + "a,1,1,7,true,calm,x\n", "f.csv")); }) ==
        "f.csv: line 2: column guests: expected a number, found 'x'");
}
