#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/hash.hpp>
#include <kvx/io/mapped_file.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/version.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

namespace detail {

/// A hash like FNV-1a that takes words of 8 bytes, because weights are long.
inline std::uint64_t hash_words(std::string_view bytes, std::uint64_t seed) {
  std::size_t at = 0;
  for (std::uint64_t word; at + sizeof word <= bytes.size(); at += sizeof word) {
    std::memcpy(&word, bytes.data() + at, sizeof word);
    seed = (seed ^ word) * 0x100000001b3;
    seed ^= seed >> 32;
  }
  return fnv1a(bytes.substr(at), seed);
}

}  // namespace detail

/// A hash of the names and contents of all files of a model directory that an answer can depend on.
inline std::uint64_t hash_model(const std::string& dir) {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".json") || name.ends_with(".safetensors") || name.ends_with(".jinja")) files.insert(name);
  }
  std::uint64_t hash = fnv1a("model");
  for (const std::string& name : files)
    hash = detail::hash_words(MappedFile(dir + "/" + name).text(), fnv1a(name, hash));
  return hash;
}

/// The key of a run's records: 16 hex digits, a hash of the model, the data, the `settings` that answers depend on,
/// kvx's version, the formats of weights and cache, and the kernel path.
inline std::string run_key(std::uint64_t model, std::string_view data, std::string_view settings, WeightFormat weights,
                           Dtype cache) {
  std::uint64_t hash = detail::hash_words(data, model);
  for (const std::string_view part : {settings, kVersion, name_of(weights), name_of(cache), name_of(isa())})
    hash = fnv1a(part, fnv1a("|", hash));
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

}  // namespace kvx::inline v0
