// Compares group quantization with NumPy's results, and the rounding of kv-canary with PyTorch's.
#include "support/golden.hpp"
#include "support/rounding.hpp"

#include <doctest/doctest.h>
#include <kvx/cache/quantize.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace {

using namespace kvx;

/// A tensor [heads, tokens, head_dim] that kvx has quantized, in the order of the reference file.
struct QuantizedTensor {
  std::vector<std::uint8_t> codes;
  std::vector<float> scales, zeros, dequantized;
  std::vector<double> tolerances;  // of the dequantized elements: a multiply-add may be fused or not
};

QuantizedTensor quantize(const std::vector<float>& x, Index heads, Index tokens, Index dim,
                         const Quantization& quantization) {
  QuantizedTensor result;
  result.codes.resize(x.size());
  result.dequantized.resize(x.size());
  result.tolerances.resize(x.size());
  for (Index h = 0; h < heads; ++h) {
    const Index first = h * tokens * dim;
    each_group<float>(view(x.data() + first, tokens, dim, dim), quantization,
                      [&](Index j, Index d, const auto& elements, const QuantizedGroup& group) {
                        result.scales.push_back(group.scale);
                        result.zeros.push_back(group.zero);
                        for (Index r = 0; r < elements.rows(); ++r)
                          for (Index c = 0; c < elements.cols(); ++c) {
                            const auto i = static_cast<std::size_t>(first + (j + r) * dim + d + c);
                            result.codes[i] = group.code(x[i], quantization.bits);
                            result.dequantized[i] = group.value(result.codes[i]);
                            const double value{result.dequantized[i]};
                            result.tolerances[i] =
                                kvx_test::rounding_error(2, std::abs(value - double{group.zero}) + std::abs(value));
                          }
                      });
  }
  return result;
}

TEST_CASE("codes, scales, zeros and dequantized elements equal the reference") {
  kvx_test::Tally tally{"quantization", 0, 0, 0, "folders without these numbers"};
  for (const auto& folder : kvx_test::golden_folders()) {
    const auto manifest = JsonDocument::load(folder + "/manifest.json");
    const auto quant = manifest.root().find("quant");
    if (!quant || !std::filesystem::exists(folder + "/" + std::string(quant->at("file").string()))) {
      ++tally.not_applicable;
      continue;
    }
    const auto file = Safetensors::open(folder + "/" + std::string(quant->at("file").string()));
    const Tensor& tensor = file.at("x");
    const auto x = to_floats(tensor);
    const Index heads = tensor.shape.at(0), tokens = tensor.shape.at(1), dim = tensor.shape.at(2);
    quant->at("cases").each_element([&](const JsonValue& test_case) {
      const std::string id(test_case.at("id").string());
      CAPTURE(id);
      const auto axis = test_case.at("axis").string() == "per_channel" ? Quantization::Axis::per_channel
                                                                       : Quantization::Axis::per_token;
      const auto found =
          quantize(x, heads, tokens, dim,
                   {axis, static_cast<int>(test_case.at("bits").integer()), test_case.at("group").integer()});
      CHECK(tally.count(found.codes == values<std::uint8_t>(file.at(id + "/codes"))));
      CHECK(tally.count(found.scales == to_floats(file.at(id + "/scale"))));
      CHECK(tally.count(found.zeros == to_floats(file.at(id + "/zero"))));
      const auto dequantized = to_floats(file.at(id + "/dequant"));
      bool close = found.dequantized.size() == dequantized.size();
      for (std::size_t i = 0; close && i < dequantized.size(); ++i)
        close = std::abs(double{found.dequantized[i]} - double{dequantized[i]}) <= found.tolerances[i];
      CHECK(tally.count(close));
    });
    for (const int bits : {2, 4, 8}) {
      const Tensor* golden = file.find("absmax-b" + std::to_string(bits) + "/dequant");
      if (golden == nullptr) continue;
      auto rounded = x;
      round_to_absmax(TensorView<float>::head_major(rounded.data(), heads, tokens, dim), bits);
      CHECK(tally.count(rounded == to_floats(*golden)));
    }
  }
}

}  // namespace
