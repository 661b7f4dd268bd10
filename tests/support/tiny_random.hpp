#pragma once

#include "support/safetensors_bytes.hpp"
#include "support/temp_dir.hpp"

#include <kvx/core/dtype.hpp>
#include <kvx/core/split_mix.hpp>
#include <kvx/core/token.hpp>
#include <kvx/io/mapped_file.hpp>
#include <kvx/io/safetensors.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace kvx_test {

inline const std::string kTinyRandom = KVX_SOURCE_DIR "/tests/data/golden/tiny-random";

/// The largest difference between this model's logits in float and in double, measured when its references were
/// computed again in double. Two runs that sum in different orders may differ by twice as much.
inline constexpr float kLogitRounding = 5e-5f;

inline std::vector<kvx::Token> random_tokens(std::size_t count, std::uint64_t seed, kvx::Index vocab_size = 512) {
  kvx::SplitMix64 random(seed);
  std::vector<kvx::Token> tokens(count);
  for (auto& token : tokens) token = static_cast<kvx::Token>(random.next() % static_cast<std::uint64_t>(vocab_size));
  return tokens;
}

/// A tensor as it is written to a file.
struct RawTensor {
  std::string dtype;
  std::vector<kvx::Index> shape;
  std::string bytes;
};
using RawTensors = std::map<std::string, RawTensor>;  // by name

inline RawTensors raw_tensors(const std::string& model_dir) {
  RawTensors raw;
  for (const auto& [name, tensor] : kvx::Safetensors::open_model(model_dir))
    raw[name] = {tensor.dtype, tensor.shape,
                 std::string(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size())};
  return raw;
}

/// Rounds an F32 tensor's values to `T` and converts them to `To`, whose name is `dtype`.
template <class T, class To = T>
void convert(RawTensor& tensor, const std::string& dtype) {
  std::string bytes;
  for (std::size_t offset = 0; offset < tensor.bytes.size(); offset += sizeof(float)) {
    float value;
    std::memcpy(&value, tensor.bytes.data() + offset, sizeof value);
    const To rounded(static_cast<float>(T(value)));
    bytes.append(reinterpret_cast<const char*>(&rounded), sizeof rounded);
  }
  tensor = {dtype, tensor.shape, bytes};
}
template <class T>
void round_to(RawTensor& tensor) {
  convert<T, float>(tensor, "F32");
}

inline std::string file_of(const RawTensors& raw) {
  std::string header, data;
  for (const auto& [name, tensor] : raw) {
    std::string shape;
    for (const auto size : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(size);
    header += (header.empty() ? "\"" : ",\"") + name + "\":{\"dtype\":\"" + tensor.dtype + "\",\"shape\":[" + shape +
              "],\"data_offsets\":[" + std::to_string(data.size()) + "," +
              std::to_string(data.size() + tensor.bytes.size()) + "]}";
    data += tensor.bytes;
  }
  return safetensors_bytes("{" + header + "}", data);
}

/// The config.json of tiny-random with the first `from` replaced by `to`.
inline std::string config_with(const std::string& from, const std::string& to) {
  std::string text(kvx::MappedFile(kTinyRandom + "/config.json").text());
  if (!from.empty()) text.replace(text.find(from), from.size(), to);
  return text;
}

}  // namespace kvx_test
