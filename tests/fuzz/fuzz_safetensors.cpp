#include <kvx/io/safetensors.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../support/safetensors_bytes.hpp"
#include "target.hpp"

namespace {

void read_all(std::span<const std::byte> file) {
  feed([&] {
    std::size_t bytes = 8;
    for (const auto& [name, tensor] : kvx::Safetensors::parse(file, "f")) {
      bytes += tensor.bytes.size();
      std::size_t elements = 1;
      for (const kvx::Index size : tensor.shape) elements *= static_cast<std::size_t>(size);
      if (tensor.dtype == "I32") require(kvx::values<std::int32_t>(tensor).size() == elements);
      if (tensor.dtype == "U8") require(kvx::values<std::uint8_t>(tensor).size() == elements);
      if (tensor.dtype == "F32" || tensor.dtype == "F16" || tensor.dtype == "BF16")
        require(kvx::to_floats(tensor).size() == elements);
    }
    require(bytes < file.size());
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  read_all(file);
  // Most mutations make the length of the header wrong, so that nothing after it would be read. So the file is also
  // read with the right length.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.rfind('}');
  if (end == std::string_view::npos || end < 8) return 0;
  const std::string repaired = safetensors_bytes(text.substr(8, end - 7), text.substr(end + 1));
  const std::vector<char> exact(repaired.begin(), repaired.end());  // so that a sanitizer detects reading past the end
  read_all(std::as_bytes(std::span(exact)));
  return 0;
}

std::vector<std::string> seeds() {
  return {
      safetensors_bytes(R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
                        R"("b":{"dtype":"BF16","shape":[3],"data_offsets":[16,22]}} )",
                        std::string(22, '\1')),
      safetensors_bytes(R"({"i":{"dtype":"I32","shape":[],"data_offsets":[1,5]},"u":{"dtype":"U8","shape":[1],)"
                        R"("data_offsets":[0,1]},"e":{"dtype":"F16","shape":[0,9],"data_offsets":[1,1]},)"
                        R"("f":{"dtype":"F4","shape":[4],"data_offsets":[5,7]}})",
                        std::string(7, '\2')),
  };
}
