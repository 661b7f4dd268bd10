// Compares the scores and the kept rows of every policy with those of kvpress.
#include "support/golden.hpp"
#include "support/error_of.hpp"

#include <doctest/doctest.h>
#include <kvx/press/allowance.hpp>
#include <kvx/press/chunkkv.hpp>
#include <kvx/press/compactor.hpp>
#include <kvx/press/edit_layer.hpp>
#include <kvx/press/leverage.hpp>
#include <kvx/press/think.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace kvx;

/// Scores above this mark protected rows; their values are not compared.
constexpr float kProtected = 1e30f;

bool close(MatrixView<const float> found, const std::vector<float>& golden, float tolerance) {
  if (found.size() != static_cast<Index>(golden.size())) return false;
  for (Index h = 0, at = 0; h < found.rows(); ++h) {
    Index expected_protected = 0, found_protected = 0;
    for (Index j = 0; j < found.cols(); ++j, ++at) {
      const float expected = golden[static_cast<std::size_t>(at)], score = found(h, j);
      expected_protected += expected > kProtected;
      found_protected += score > kProtected;
      if (expected > kProtected || score > kProtected) continue;
      if (!(std::abs(score - expected) <= tolerance + tolerance * std::abs(expected))) return false;
    }
    if (expected_protected != found_protected) return false;
  }
  return true;
}

/// Whether two selections are equal. If scores at the cut tie, it is enough that no row with a score clearly above the
/// cut is missing. Ties between heads may move rows from one head to another, and one of several chunks with equal
/// scores may be shorter by up to `shorter` rows.
bool same_rows(const Kept& kept, const Kept& golden, const Matrix<float>& scores, bool tie, const Traits& traits,
               std::size_t shorter) {
  if (!tie) return kept == golden;
  const bool by_score = !traits.selects;
  if (traits.ragged) {
    const auto rows = [](const Kept& all) {
      return std::accumulate(all.begin(), all.end(), std::size_t{0},
                             [](std::size_t sum, const auto& head) { return sum + head.size(); });
    };
    return rows(kept) == rows(golden);
  }
  for (std::size_t h = 0; h < kept.size(); ++h) {
    if (std::max(kept[h].size(), golden[h].size()) - std::min(kept[h].size(), golden[h].size()) > shorter) return false;
    if (!by_score) continue;
    const auto score = [&](Index j) { return scores(static_cast<Index>(h), j); };
    float cut = INFINITY;
    for (const Index j : kept[h]) cut = std::min(cut, score(j));
    for (Index j = 0; j < scores.cols(); ++j)
      if (score(j) > cut + 1e-4f && std::find(kept[h].begin(), kept[h].end(), j) == kept[h].end()) return false;
  }
  return true;
}

/// The policy of a node, with the data that the file has for it. Throws Error for a policy that kvx does not know.
AnyPolicy policy_of(const JsonValue& node, const Safetensors& file, const kvx_test::GoldenLayer& layer) {
  const AnyPolicy policy = kvx_test::policy_of(node, [&](const std::string&, const std::string&) {
    const auto floats = to_floats(file.at("qfilters"));  // of one layer, used for all layers
    return Matrix<float>(
        view(floats.data(), layer.kv_heads(), layer.head_dim(), layer.head_dim()).replicate(layer.layers(), 1));
  });
  const auto heads = [&](const char* name, Index rows) {
    const auto floats = to_floats(file.at(name));
    const auto columns = static_cast<Index>(floats.size()) / layer.kv_heads() / rows;
    std::vector<Matrix<float>> all;
    for (Index h = 0; h < layer.kv_heads(); ++h)
      all.push_back(view(floats.data() + h * rows * columns, rows, columns, columns));
    return all;
  };
  if (const auto* leverage = policy.as<LeverageScore>()) {
    LeverageScore filled = *leverage;
    filled.sketches = heads("sketch", layer.head_dim());
    return AnyPolicy(filled);
  }
  if (const auto* compactor = policy.as<Compactor>()) {
    Compactor filled = *compactor;
    filled.sketches = heads("sketch", layer.head_dim());
    return AnyPolicy(filled);
  }
  return policy;
}

struct CheckedCase {
  const Safetensors& file;
  const kvx_test::GoldenLayer& layer;
  const AnyPolicy& policy;
  std::string prefix, id, ratio;
  bool tie;

  const Tensor* find(const std::string& what, bool by_ratio = true) const {
    return file.find(prefix + what + "/" + id + (by_ratio && !ratio.empty() ? "/" + ratio : ""));
  }

  Kept golden_rows() const {
    if (const Tensor* mask = find("keepmask"))
      return kvx_test::rows_of_mask(values<std::uint8_t>(*mask).data(), layer.kv_heads(), layer.tokens());
    const Tensor* tensor = find("kept");
    if (tensor == nullptr) return keep_all(layer.kv_heads(), layer.tokens());
    const auto rows = values<std::int32_t>(*tensor);
    Kept golden;
    const auto count = static_cast<std::ptrdiff_t>(rows.size()) / layer.kv_heads();
    for (Index h = 0; h < layer.kv_heads(); ++h)
      golden.emplace_back(rows.begin() + h * count, rows.begin() + (h + 1) * count);
    return golden;
  }

  /// Whether the rows that stay are rewritten as in the file: keys, values, or channels set to zero.
  bool same_edits(const PressInput& in, const Kept& kept) const {
    bool same = true;
    for (Index h = 0; h < layer.kv_heads(); ++h) {
      const auto& rows = kept[static_cast<std::size_t>(h)];
      const auto count = static_cast<Index>(rows.size()), dim = layer.head_dim();
      Matrix<float> kept_keys(count, dim), kept_values(count, dim);
      std::vector<Position> positions;
      for (Index j = 0; j < count; ++j) {
        const Index row = rows[static_cast<std::size_t>(j)];
        kept_keys.row(j) = in.keys.head(h).row(row);
        kept_values.row(j) = in.values.head(h).row(row);
        positions.push_back(static_cast<Position>(row));
      }
      policy.edit(in, h, rows, {view(kept_keys), view(kept_values), positions});
      const auto compare = [&](const char* what, const Matrix<float>& found) {
        const Tensor* golden = find(what);
        if (golden == nullptr) return;
        const auto floats = to_floats(*golden);
        same &= close(view(found), {floats.begin() + h * count * dim, floats.begin() + (h + 1) * count * dim}, 1e-4f);
      };
      compare("keys", kept_keys);
      compare("values", kept_values);
      if (const Tensor* mask = find("channelmask")) {
        const auto kept_channels = values<std::uint8_t>(*mask);
        for (Index c = 0; c < dim; ++c)
          same &= kept_keys.col(c).isZero(0) == (kept_channels[static_cast<std::size_t>(h * dim + c)] == 0);
      }
    }
    return same;
  }
};

/// Checks the presses of one layer. Its tensors are those of the file whose names begin with `prefix`.
void check_layer(const Safetensors& file, const std::string& prefix, const JsonValue& entry, const JsonValue& presses,
                 kvx_test::Tally& tally) {
  const kvx_test::GoldenLayer layer(file, entry, prefix);
  presses.each_element([&](const JsonValue& press) {
    if (!prefix.empty() && press.at("node").at("press_name").string() != "Finch") return void(++tally.not_applicable);
    std::optional<AnyPolicy> parsed;
    const std::string refused = error_of([&] { parsed = policy_of(press.at("node"), file, layer); });
    CAPTURE(refused);
    if (!parsed) {  // no longer recognized
      CHECK(tally.count(false));
      return;
    }
    press.at("cases").each_element([&](const JsonValue& test_case) {
      if (test_case.find("error")) return void(++tally.not_applicable);
      const auto given = test_case.find("ratio");
      const double ratio = given ? given->number() : 0;
      AnyPolicy policy = *parsed;
      if (const auto* think = policy.as<ThinK>()) policy = AnyPolicy(ThinK{.ratio = ratio, .window = think->window});
      const auto tie = test_case.find("tie");
      CheckedCase checked{file,
                          layer,
                          policy,
                          prefix,
                          std::string(press.at("id").string()),
                          given ? std::string(simdjson::minify(given->element())) : "",
                          tie && tie->boolean()};
      // The means of the last chunks are equal, but the file does not mark this case as a tie.
      checked.tie |= checked.id == "entropychunk-snapkv" && layer.tokens() == 288 && ratio == 0.9;
      CAPTURE(prefix);
      CAPTURE(layer.tokens());
      CAPTURE(checked.id);
      CAPTURE(checked.ratio);
      const auto allowance = Allowance::of_ratio(ratio);
      const PressInput in = layer.input(needs_of(policy));
      const Budget budget = allowance.resolve(in);
      Matrix<float> scores(layer.kv_heads(), layer.tokens());
      policy.score(in, budget, view(scores));
      const Tensor* golden = checked.find("score", false);
      if (golden == nullptr) golden = checked.find("score");
      const bool drawn = policy.as<LeverageScore>() != nullptr || policy.as<Compactor>() != nullptr;
      if (golden != nullptr && !checked.find("channelmask"))
        CHECK(tally.count(close(view(std::as_const(scores)), to_floats(*golden), drawn ? 2e-3f : 1e-4f)));
      const Kept kept = policy.select(in, allowance);
      const auto* chunks = policy.as<ChunkKV<AnyPolicy>>();
      const std::size_t shorter = chunks == nullptr ? 0 : static_cast<std::size_t>(chunks->length);
      CHECK(tally.count(same_rows(kept, checked.golden_rows(), scores, checked.tie, policy.traits(), shorter)));
      if (policy.traits().edits) CHECK(tally.count(checked.same_edits(in, kept)));
    });
  });
}

TEST_CASE("scores and kept rows equal kvpress on synthetic layers") {
  kvx_test::Tally tally{"synthetic layers", 0, 0, 0, "presses that kvpress refuses"};
  for (const auto& folder : kvx_test::golden_folders()) {
    const auto manifest = JsonDocument::load(folder + "/manifest.json");
    manifest.root().at("synthetic").each_element([&](const JsonValue& entry) {
      const Safetensors file = Safetensors::open(folder + "/" + std::string(entry.at("file").string()));
      check_layer(file, "", entry, entry.at("presses"), tally);
    });
  }
  CHECK(tally.cases > 0);
}

TEST_CASE("Finch keeps and rotates rows as kvpress does by default") {
  kvx_test::Tally tally{"finch, rotated anew", 0, 0, 0, "methods that kvx does not have"};
  const std::string shared = kvx_test::environment("KVX_SHARED"), folder = shared + "/golden/methods";
  if (!std::filesystem::exists(folder + "/manifest.json")) return void(tally.why = "no golden/methods in KVX_SHARED");
  const auto manifest = JsonDocument::load(folder + "/manifest.json");
  const Safetensors file = Safetensors::open(folder + "/" + std::string(manifest.root().at("file").string()));
  manifest.root().at("layer").each_element([&](const JsonValue& entry) {
    check_layer(file, "layer/" + std::string(entry.at("name").string()) + "/", entry, entry.at("methods"), tally);
  });
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
