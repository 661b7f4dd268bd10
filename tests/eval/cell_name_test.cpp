#include <kvx/eval/records/cell_json.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/cell_columns.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace kvx;

TEST_CASE("A cell's label includes its budget and query_aware; its method has neither budget nor ratio") {
  const CellName cell{"snapkv(window=32, kernel=5)", 0.3, "keep=64", true};
  CHECK(cell.label() == "snapkv(window=32, kernel=5) keep=64 query_aware");
  CHECK(cell.method().label() == "snapkv(window=32, kernel=5) query_aware");
  CHECK(cell.setting() == "keep=64");
  CHECK(cell.setting_words() == "keep=64");
  CHECK(CellName{"knorm", 0.5}.label() == "knorm");
  CHECK(CellName{"knorm", 0.5}.setting() == "0.5");
  CHECK(CellName{"knorm", 0.5}.setting_words() == "ratio 0.5");
}

TEST_CASE("Cells differ by their ratios, unless they have a budget") {
  CHECK(CellName{"knorm", 0.5} != CellName{"knorm", 0.25});
  CHECK(CellName{"knorm", 0.5} < CellName{"knorm", 0.75});
  CHECK(CellName{"knorm", 0.5, "keep=64"} == CellName{"knorm", 0.25, "keep=64"});
  CHECK_FALSE(CellName{"knorm", 0.5, "keep=64"} < CellName{"knorm", 0.75, "keep=64"});
  CHECK(CellName{"knorm", 0, "keep=64"} != CellName{"knorm", 0, "keep=65"});
  CHECK(CellName{"knorm", 0.5} != CellName{"knorm", 0.5, {}, true});
  CHECK(CellName{"none"}.is_base());
  CHECK_FALSE(CellName{"knorm"}.is_base());
}

TEST_CASE("A cell is four columns of a CSV file and four members of a JSON object") {
  CsvColumns<CellName> columns;
  add_cell_columns(columns);
  const std::vector<CellName> cells = {{"snapkv(window=32, kernel=5)", 0.25, "keep=64", true}, {"knorm", 0.5}};
  const std::string csv = columns.text(cells);
  CHECK(csv ==
        "press,compression_ratio,budget,query_aware\n\"snapkv(window=32, kernel=5)\",0.25,keep=64,true\n"
        "knorm,0.5,,false\n");
  const std::vector<CellName> read = columns.rows(CsvTable(csv, "f.csv"));
  CHECK(read == cells);
  CHECK(read[0].ratio == 0.25);
  JsonWriter out;
  write_cell({"knorm", 0.5}, out.begin_object(), "ratio");
  CHECK(out.end_object().text() == R"({"press":"knorm","ratio":0.5,"budget":"","query_aware":false})");
}
