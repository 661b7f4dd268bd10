// Adds a policy to kvx's presses, uses it by name, and prints what each press keeps of a prompt: own_policy [MODEL_DIR]
#include <kvx/model/compress.hpp>
#include <kvx/press/named/policies.hpp>
#include <kvx/text/tokenizer.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <tuple>

#include "cli/example_folder.hpp"

namespace {

/// Keeps the last `recent` rows, and those whose values have the largest norm.
struct ValueNorm {
  static constexpr std::string_view name = "value_norm", paper = "";
  int recent = 8;  ///< the number of last rows that stay
  static constexpr auto parameters() { return std::tuple(kvx::Parameter{"recent", &ValueNorm::recent}); }

  kvx::Needs needs() const { return {}; }
  void score(const kvx::PressInput& in, const kvx::Budget&, kvx::Scores out) const {
    for (kvx::Index h = 0; h < in.kv_heads(); ++h) out.row(h) = in.values.head(h).rowwise().norm().transpose();
    out.rightCols(std::min<kvx::Index>(recent, in.tokens())).setConstant(out.maxCoeff() + 1);
  }
};
static_assert(kvx::ScorePolicy<ValueNorm>);

}  // namespace

int main(int argc, char** argv) try {
  const std::string dir = argc > 1 ? argv[1] : kvx_cli::example_model();
  kvx::Registry registry = kvx::kvx_presses();
  registry.add<ValueNorm>();

  kvx::Threads threads;
  const auto tokenizer = kvx::Tokenizer::load(dir);
  const auto model = kvx::Decoder::load(dir, kvx::WeightFormat::bf16, threads);
  const auto prompt = tokenizer.encode_framed(
      "Attention compares a query with all keys, and adds up the values by how well they match.");
  for (const std::string press : {"none", "value_norm", "value_norm(recent=2)", "knorm"}) {
    const auto policy = registry.parse(press);
    const auto context = kvx::compress(model, prompt, policy, kvx::Allowance::of_ratio(0.5), kvx::Dtype::bf16, threads);
    std::printf("%-22s %6td rows, %6zu of %zu bytes\n", policy.written().c_str(), context.start.prefix->rows(),
                context.start.bytes(), context.full_bytes);
  }
} catch (const kvx::Error& error) {
  std::fprintf(stderr, "own_policy: %s\n", error.what());
  return 1;
}
