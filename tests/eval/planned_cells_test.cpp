#include <kvx/eval/run/planned_cells.hpp>

#include "support/error_of.hpp"

#include <doctest/doctest.h>
#include <kvx/press/named/registry.hpp>

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

using namespace kvx;

namespace {

/// A press that needs a ratio.
struct WholeHeads {
  static constexpr std::string_view name = "whole_heads", paper = "";
  static constexpr auto parameters() { return std::tuple(); }
  Traits traits() const { return {.by_ratio = true}; }
  Needs needs() const { return {}; }
  void score(const PressInput&, const Budget&, Scores out) const { out.setZero(); }
};

EvalOptions keeping_eight(const std::vector<std::string>& presses) {
  EvalOptions options;
  options.presses = presses;
  options.ratios = {0};
  options.keep = 8;
  return options;
}

}  // namespace

TEST_CASE("The budget that a press ignores is reported if the press itself decides how many rows it keeps") {
  const auto cells = planned_cells(keeping_eight({"knorm", "int4", "knorm+int4", "decoding(knorm)"}), kvx_presses());
  REQUIRE(cells.size() == 5);
  const std::vector<std::string> budgets = {"", "keep=8", "own", "keep=8", "own"},
                                 ignored = {"", "", "keep=8", "", "keep=8"};
  for (std::size_t c = 0; c < cells.size(); ++c) {
    CHECK(cells[c].name.budget == budgets[c]);
    CHECK(cells[c].ignores == ignored[c]);
  }
  CHECK(ignored_budgets(cells, std::vector{0.0}) ==
        cells[2].name.press + " itself decides how much stays and ignores keep=8\n" + cells[4].name.press +
            " itself decides how much stays and ignores keep=8\n");
  EvalOptions both = keeping_eight({"int4"});
  both.kv_bytes = 5000;
  CHECK(planned_cells(both, kvx_presses()).back().ignores == "keep=8 kv_bytes=5000");
  EvalOptions ratios = keeping_eight({"int4"});
  ratios.keep = {};
  CHECK(ignored_budgets(planned_cells(ratios, kvx_presses()), ratios.ratios).empty());
}

TEST_CASE("A press that ignores the ratios of a grid is reported once") {
  EvalOptions options;
  options.presses = {"knorm", "int4"};
  options.ratios = {0, 0.25, 0.5};
  options.query_aware = true;
  const auto cells = planned_cells(options, kvx_presses());
  REQUIRE(cells.size() == 7);
  CHECK(cells[5].ignores.empty());  // records hold only rows and bytes
  CHECK(ignored_budgets(cells, options.ratios) ==
        cells[5].name.press + " itself decides how much stays and ignores ratio=0.25,0.5\n");
}

TEST_CASE("A press that needs a ratio is refused if a number of rows is given") {
  Registry presses = kvx_presses();
  presses.add<WholeHeads>();
  CHECK(error_of([&] { planned_cells(keeping_eight({"whole_heads"}), presses); }) ==
        "whole_heads: expected a ratio, since it cannot keep a number of rows; found keep=8");
  EvalOptions ratios = keeping_eight({"whole_heads"});
  ratios.keep = {};
  ratios.ratios = {0, 0.5};
  CHECK(planned_cells(ratios, presses).size() == 2);
}
