#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/io/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// A tensor to write, in memory that the caller owns.
struct FloatTensor {
  std::string name;
  std::vector<Index> shape;
  std::span<const float> values;
};

/// The bytes of a safetensors file with these F32 tensors. Their names must differ, and each must have as many values
/// as its shape says.
inline std::string write_safetensors(std::span<const FloatTensor> tensors) {
  JsonWriter header;
  std::string data;
  header.begin_object();
  for (const FloatTensor& tensor : tensors) {
    header.key(tensor.name).begin_object().key("dtype").value("F32").key("shape").begin_array();
    for (const Index size : tensor.shape) header.value(size);
    header.end_array().key("data_offsets").begin_array().value(data.size());
    data.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size_bytes());
    header.value(data.size()).end_array().end_object();
  }
  std::string text = header.end_object().text();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // aligns the data
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text + data;
}

}  // namespace kvx::inline v0
