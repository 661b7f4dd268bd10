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

/// How far this model's logits in float are from those in double: the most by which a rerun of its references in double
/// differed. Two runs whose sums have another order may differ by twice as much.
inline constexpr float kLogitRounding = 5e-5f;

inline std::vector<kvx::Token> random_tokens(std::size_t count, std::uint64_t seed, kvx::Index vocab_size = 512) {
  kvx::SplitMix64 random(seed);
  std::vector<kvx::Token> tokens(count);
  for (auto& token : tokens) token = static_cast<kvx::Token>(random.next() % static_cast<std::uint64_t>(vocab_size));
  return tokens;
}

/// Tensors as they are to be written: name -> {dtype, shape, bytes}.
struct RawTensor {
  std::string dtype;
  std::vector<kvx::Index> shape;
  std::string bytes;
};
using RawTensors = std::map<std::string, RawTensor>;

inline RawTensors raw_tensors(const std::string& model_dir) {
  RawTensors raw;
  for (const auto& [name, tensor] : kvx::Safetensors::open_model(model_dir))
    raw[name] = {tensor.dtype, tensor.shape,
                 std::string(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size())};
  return raw;
}

/// Writes an F32 tensor's values as `To`, rounded to `T`.
template <class T, class To = T>
void convert(RawTensor& tensor, const std::string& dtype) {
  std::string bytes;
  for (std::size_t at = 0; at < tensor.bytes.size(); at += sizeof(float)) {
    float value;
    std::memcpy(&value, tensor.bytes.data() + at, sizeof value);
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

/// tiny-random's config.json with one piece of text replaced.
inline std::string config_with(const std::string& from, const std::string& to) {
  std::string text(kvx::MappedFile(kTinyRandom + "/config.json").text());
  if (!from.empty()) text.replace(text.find(from), from.size(), to);
  return text;
}

}  // namespace kvx_test
