#include <kvx/report/load/load_report.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "report/pitfalls_results.hpp"
#include "support/error_of.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
/// The error of loading a directory, without its path. The file `name` is `text`, with `pattern` replaced.
std::string pitfall_error(const std::string& name, std::string text, const std::string& pattern,
                          const std::string& replacement) {
  const TempDir dir;
  write_pitfalls(dir);
  dir.write(name, text.replace(text.find(pattern), pattern.size(), replacement));
  const std::string error = error_of([&] { load_report(std::vector{dir.path()}); });
  return error.starts_with(dir.path()) ? error.substr(dir.path().size()) : error;
}
}  // namespace

TEST_CASE("The groups, spans, heads, entropies and prompts of a directory are read") {
  const TempDir dir;
  write_pitfalls(dir);
  const ReportData data = load_report(std::vector{dir.path()});
  REQUIRE(data.groups.size() == 16);
  const GroupResult& group = data.groups[5];
  CHECK(group.group == "keywords");
  CHECK(group.row.cell == CellName{"snapkv(window=16)", 0.9});
  CHECK(group.row.figure.n == 40);
  CHECK(group.row.figure.low == 0.1);
  CHECK(group.row.change.high == -0.5);
  REQUIRE(data.kept_shares.size() == 4);
  CHECK(data.kept_shares[3].span == "defense");
  CHECK(data.kept_shares[3].share == 0.03125);
  CHECK(data.kept_shares[3].relative == 0.25);
  REQUIRE(data.kept_layers.size() == 2);
  CHECK(data.kept_layers[0].share(0) == 0.15);  // over both heads
  CHECK(data.kept_layers[0].share(1) == 0.5);
  CHECK(data.kept_layers[1].share(0) == 0.5);
  REQUIRE(data.entropies.size() == 2);
  REQUIRE(data.entropies[1].tokens.size() == 3);
  CHECK(data.entropies[1].tokens[2].mean == 9);
  CHECK(data.entropies[1].tokens[2].change == 3);
  CHECK(data.entropies[1].tokens[2].n == 4);
  CHECK(data.entropies[1].tokens[2].paired == 2);
  REQUIRE(data.prompts.size() == 1);
  CHECK(data.prompts[0].query_aware);
  CHECK(data.prompts[0].index == 3);
  CHECK(data.prompts[0].heads == 4);
  CHECK(data.prompts[0].tokens[0] == "<do>");
  CHECK(data.prompts[0].spans == std::vector<NamedSpan>{{"defense", {1, 3}}});
  REQUIRE(data.prompts[0].cells.size() == 2);
  CHECK(data.prompts[0].cells[1].name == CellName{"knorm", 0.9});
  CHECK(data.prompts[0].cells[1].heads == std::vector<Index>{0, 4, 4, 0});
}

TEST_CASE("Rows that two directories share count once, and rows of only one directory are added") {
  const TempDir dir;
  const TempDir other;
  write_pitfalls(dir);
  write_pitfalls(other);
  other.write("groups.csv",
              pitfalls_groups() + "org/m,knorm,0.9,,false,ifeval/sys_ifeval,length,strict,0.5,20,20,,,,,\n");
  other.write("kept_spans.csv", pitfalls_kept_spans() + "org/m,knorm,0.9,,false,leakage,all,2,20,0.1,0.1,1\n");
  other.write("kept_heads.csv", pitfalls_kept_heads() + "org/m,knorm,0.9,,false,leakage,all,0,0,2,20,2\n");
  other.write("entropy.csv", pitfalls_entropy() + "org/m,knorm,0.9,,false,leakage,0,3,6,6,1,2,6\n");
  std::string prompts = pitfalls_prompts();
  prompts.replace(prompts.find("\"knorm\""), 7, "\"tova\"");
  other.write("kept_text.json", prompts);
  const ReportData data = load_report(std::vector{dir.path(), other.path()});
  CHECK(data.groups.size() == 17);
  CHECK(data.kept_shares.size() == 5);
  REQUIRE(data.kept_layers.size() == 3);
  CHECK(data.kept_layers[0].tokens[0] == 40);
  CHECK(data.entropies.size() == 3);
  CHECK(data.entropies[1].tokens.size() == 3);
  REQUIRE(data.prompts.size() == 1);
  REQUIRE(data.prompts[0].cells.size() == 3);
  CHECK(data.prompts[0].cells[2].name.press == "tova");
  other.write("kept_text.json", prompts.replace(prompts.find("\"tell\""), 6, "\"say\""));
  CHECK(load_report(std::vector{dir.path(), other.path()}).prompts.size() == 2);
  std::string groups = pitfalls_groups();
  other.write("groups.csv", groups.replace(groups.find("0.8,40"), 6, "0.7,40"));
  CHECK(error_of([&] {
          load_report(std::vector{dir.path(), other.path()});
        }) ==
        other.path() +
            "/groups.csv: line 2: column value: expected each cell's value once, found strict of keywords of none "
            "again, with another value");
}

TEST_CASE("A bad groups.csv, kept_*.csv, entropy.csv or kept_text.json is an error that names file and place") {
  CHECK(pitfall_error("groups.csv", pitfalls_groups(), "0.2,40", "0.2,4.5") ==
        "/groups.csv: line 7: column n: expected a whole number, found '4.5'");
  CHECK(pitfall_error("groups.csv", pitfalls_groups(), ",change_high", ",high_change")
            .starts_with("/groups.csv: line 1: expected a column change_high, found "));
  CHECK(pitfall_error("kept_spans.csv", pitfalls_kept_spans(), "0.9,,false,leakage,rest", "9,,false,leakage,rest") ==
        "/kept_spans.csv: line 3: column compression_ratio: expected 0 to 1, found '9'");
  CHECK(pitfall_error("kept_heads.csv", pitfalls_kept_heads(), "20,20", "20,21") ==
        "/kept_heads.csv: line 5: column kept: expected at most the number of tokens, 20, found 21");
  CHECK(pitfall_error("kept_heads.csv", pitfalls_kept_heads(), "all,1,0", "all,7,0") ==
        "/kept_heads.csv: line 4: column layer: expected at most the next layer, 1, found 7");
  CHECK(pitfall_error("entropy.csv", pitfalls_entropy(), "leakage,2,9", "leakage,3,9") ==
        "/entropy.csv: line 5: column token: expected 2, found 3");
  CHECK(pitfall_error("kept_text.json", pitfalls_prompts(), "[4,0,1,3]", "[4,0,1]")
            .ends_with("kept_by: expected a number for each of 4 tokens, found 3"));
  CHECK(pitfall_error("kept_text.json", pitfalls_prompts(), "[4,0,1,3]", "[5,0,1,3]")
            .ends_with("kept_by[0]: expected a number from 0 to 4, found 5"));
  CHECK(pitfall_error("kept_text.json", pitfalls_prompts(), "\"last\":3", "\"last\":0")
            .ends_with("last: expected a number from 1 to 4, found 0"));
  CHECK(pitfall_error("kept_text.json", pitfalls_prompts(), "\"heads\":4", "\"heads\":0")
            .ends_with("heads: expected a number from 1 to 1073741824, found 0"));
  CHECK(pitfall_error("kept_text.json", pitfalls_prompts(), "]}]}]", "]}]}")
            .starts_with("/kept_text.json: not valid JSON: "));
}
