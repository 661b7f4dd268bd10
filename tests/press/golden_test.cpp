// Scores and kept rows of every policy against kvpress.
#include "support/golden.hpp"

#include <doctest/doctest.h>
#include <kvx/press/allowance.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace {

using namespace kvx;

bool close(const Matrix<float>& scores, const std::vector<float>& golden) {
  for (Index i = 0; i < scores.size(); ++i) {
    const float expected = golden[static_cast<std::size_t>(i)];
    if (!(std::abs(scores.data()[i] - expected) <= 1e-4f + 1e-4f * std::abs(expected))) return false;
  }
  return scores.size() == static_cast<Index>(golden.size());
}

/// Equal as sets; where scores at the cut tie, no row that scores clearly above the cut may be missing.
bool same_rows(const Kept& kept, const std::vector<std::int32_t>& golden, const Matrix<float>& scores, bool tie) {
  const std::size_t count = golden.size() / kept.size();
  for (std::size_t h = 0; h < kept.size(); ++h) {
    if (kept[h].size() != count) return false;
    if (!tie && !std::equal(kept[h].begin(), kept[h].end(), golden.begin() + static_cast<std::ptrdiff_t>(h * count)))
      return false;
    const auto score = [&](Index j) { return scores(static_cast<Index>(h), j); };
    float cut = INFINITY;
    for (const Index j : kept[h]) cut = std::min(cut, score(j));
    for (Index j = 0; j < scores.cols(); ++j)
      if (score(j) > cut + 1e-4f && std::find(kept[h].begin(), kept[h].end(), j) == kept[h].end()) return false;
  }
  return true;
}

void check_layer(const std::string& folder, const JsonValue& entry, kvx_test::Tally& tally) {
  const Safetensors file = Safetensors::open(folder + "/" + std::string(entry.at("file").string()));
  const kvx_test::GoldenLayer layer(file, entry);
  entry.at("presses").each_element([&](const JsonValue& press) {
    const JsonValue node = press.at("node");
    const auto policy = kvx_test::policy_of(node.at("press_name"), &node);
    press.at("cases").each_element([&](const JsonValue& test_case) {
      if (!policy || test_case.find("error")) return void(++tally.not_applicable);
      const std::string id(press.at("id").string()), ratio = simdjson::minify(test_case.at("ratio").element());
      CAPTURE(entry.at("file").string());
      CAPTURE(id);
      CAPTURE(ratio);
      const Budget budget{test_case.at("ratio").number(), kept_rows(layer.tokens(), test_case.at("ratio").number())};
      const PressInput in = layer.input(policy->needs());
      Matrix<float> scores(layer.kv_heads(), layer.tokens());
      policy->score(in, budget, view(scores));
      const Tensor* golden = file.find("score/" + id);
      if (golden == nullptr) golden = &file.at("score/" + id + "/" + ratio);
      CHECK(tally.count(close(scores, to_floats(*golden))));
      const auto rows = values<std::int32_t>(file.at("kept/" + id + "/" + ratio));
      CHECK(tally.count(same_rows(policy->select(in, Allowance::of_ratio(budget.ratio)), rows, scores,
                                  test_case.at("tie").boolean())));
    });
  });
}

TEST_CASE("scores and kept rows equal kvpress on synthetic layers") {
  kvx_test::Tally tally{"synthetic layers", 0, 0, 0, "presses that kvx does not have, or that kvpress refuses"};
  for (const auto& folder : kvx_test::golden_folders()) {
    const auto manifest = JsonDocument::load(folder + "/manifest.json");
    manifest.root().at("synthetic").each_element([&](const JsonValue& entry) { check_layer(folder, entry, tally); });
  }
  CHECK(tally.cases > 0);
}

TEST_CASE("the rows that a ratio keeps are counted as kvpress counts them") {
  const auto manifest = JsonDocument::load(kvx_test::golden_folders().front() + "/manifest.json");
  kvx_test::Tally tally{"n_kept table"};
  manifest.root().at("tables").at("n_kept").each_element([&](const JsonValue& row) {
    const auto at = [&](std::size_t i) { return JsonValue(row.array().at(i), row.where()); };
    CHECK(tally.count(kept_rows(at(0).integer(), at(1).number()) == at(2).integer()));
  });
  CHECK(tally.cases > 0);
}

}  // namespace
