#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/io/file_kind.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/mapped_file.hpp>
#include <kvx/io/plain_name.hpp>
#include <kvx/io/tensor.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

struct ElementType {
  std::string_view name;
  std::uint64_t bits;
};

inline constexpr auto kElementTypes = std::to_array<ElementType>(
    {{"BOOL", 8},        {"U8", 8},      {"I8", 8},      {"U16", 16},    {"I16", 16},    {"U32", 32},
     {"I32", 32},        {"U64", 64},    {"I64", 64},    {"F64", 64},    {"F32", 32},    {"F16", 16},
     {"BF16", 16},       {"C64", 64},    {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
     {"F8_E5M2FNUZ", 8}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F4", 4}});

inline std::uint64_t bits_of(const JsonValue& dtype) {
  std::string known;
  for (const ElementType& type : kElementTypes) {
    if (type.name == dtype.string()) return type.bits;
    known.append(known.empty() ? "one of " : " ").append(type.name);
  }
  dtype.fail(known);
}

inline std::uint64_t non_negative(const JsonValue& value) {
  const std::int64_t number = value.integer();
  if (number < 0) value.fail("an integer of at least 0");
  return static_cast<std::uint64_t>(number);
}

/// The tensor of a header entry such as {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}. `data` is the part
/// of the file after the header.
inline Tensor parse_tensor(const JsonValue& entry, std::span<const std::byte> data) {
  Tensor tensor{std::string(entry.at("dtype").string()), {}, {}, entry.where()};
  std::uint64_t bits = bits_of(entry.at("dtype"));
  entry.at("shape").each_element([&](const JsonValue& element) {
    const std::uint64_t size = non_negative(element);
    if (size != 0 && bits > std::numeric_limits<std::uint64_t>::max() / size)
      element.fail("less than 2^64 bits in all");
    bits *= size;
    tensor.shape.push_back(static_cast<Index>(size));
  });
  const JsonValue offsets = entry.at("data_offsets");
  std::vector<std::uint64_t> ends;
  offsets.each_element([&](const JsonValue& element) { ends.push_back(non_negative(element)); });
  if (ends.size() != 2 || ends[0] > ends[1] || ends[1] > data.size()) {
    offsets.fail("[begin, end] with begin <= end <= " + std::to_string(data.size()));
  }
  if (bits % 8 != 0 || ends[1] - ends[0] != bits / 8) {
    offsets.fail(std::to_string(bits) + " bits between them, as dtype and shape say");
  }
  tensor.bytes = data.subspan(ends[0], ends[1] - ends[0]);
  return tensor;
}

}  // namespace detail

/// The tensors of a safetensors file or of a model's shards, by name. The files stay memory-mapped while this object
/// lives. They have been checked: each tensor lies inside its file and has the size that its dtype and shape say, and
/// together the tensors cover the data without gap or overlap.
class Safetensors {
 public:
  /// Opens one file.
  static Safetensors open(const std::string& path) {
    MappedFile file(path);
    Safetensors tensors = parse(file.bytes(), path);
    tensors.files_.push_back(std::move(file));
    return tensors;
  }

  /// Opens a model directory: model.safetensors, or the shards that model.safetensors.index.json lists.
  static Safetensors open_model(const std::string& dir) {
    const std::string single = dir + "/model.safetensors", index = single + ".index.json";
    if (file_exists(single)) return open(single);
    if (file_exists(index)) return open_shards(dir, index);
    const std::string other = other_weights(dir);
    throw Error(dir, "expected model.safetensors or model.safetensors.index.json, found " +
                         (other.empty() ? "neither" : other + ", which is not safetensors"));
  }

  /// Reads a whole file in memory, which must outlive the result. Errors name it as `where`.
  static Safetensors parse(std::span<const std::byte> file, const std::string& where) {
    std::uint64_t length = 0;
    if (file.size() < sizeof length) {
      throw Error(where, "expected a header length of 8 bytes, found " + std::to_string(file.size()) + " bytes");
    }
    std::memcpy(&length, file.data(), sizeof length);
    const std::uint64_t limit = std::min<std::uint64_t>(file.size() - sizeof length, kMaxHeader);
    if (length > limit) {
      const std::string_view kind =
          detail::file_kind({reinterpret_cast<const char*>(file.data()), std::min<std::size_t>(file.size(), 64)});
      if (!kind.empty()) throw Error(where, std::string("expected a safetensors file, found ").append(kind));
      throw Error(where,
                  "header length: expected at most " + std::to_string(limit) + ", found " + std::to_string(length));
    }
    const auto header = file.subspan(sizeof length, length), data = file.subspan(sizeof length + length);
    const auto document =
        JsonDocument::parse({reinterpret_cast<const char*>(header.data()), header.size()}, where + ": header");
    Safetensors tensors(where);
    document.root().each_member([&](std::string_view name, const JsonValue& value) {
      if (name == "__metadata__")
        return value.each_member([](std::string_view, const JsonValue& text) { text.string(); });
      const JsonValue entry(value.element(), where + ": tensor " + detail::shortened(name, 100));
      if (!tensors.tensors_.try_emplace(std::string(name), detail::parse_tensor(entry, data)).second) {
        throw Error(entry.where(), "expected once, found twice");
      }
    });
    tensors.check_coverage(data);
    return tensors;
  }

  /// The tensor `name`, or nullptr.
  const Tensor* find(std::string_view name) const {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : &found->second;
  }
  /// The tensor `name`; throws Error if it is missing.
  const Tensor& at(std::string_view name) const {
    if (const Tensor* tensor = find(name)) return *tensor;
    throw Error(where_, "missing tensor " + detail::shortened(name, 100));
  }

  /// Pairs of name and Tensor, ordered by name.
  auto begin() const { return tensors_.begin(); }
  auto end() const { return tensors_.end(); }
  std::size_t size() const { return tensors_.size(); }

  /// Releases the memory pages of a part of a tensor, for a loader that has copied it. The tensor stays readable.
  void drop_pages(std::span<const std::byte> part) const {
    for (const MappedFile& file : files_) file.drop_pages(part);
  }

 private:
  /// The first file, by name, with weights in another format; "" if there is none.
  static std::string other_weights(const std::string& dir) {
    constexpr std::array<std::string_view, 7> kEndings = {".bin", ".pt", ".pth", ".ckpt", ".gguf", ".h5", ".msgpack"};
    std::set<std::string> found;
    std::error_code code;
    for (std::filesystem::directory_iterator it(dir, code), end; it != end; it.increment(code)) {
      const std::string name = it->path().filename().string();
      if (std::ranges::any_of(kEndings, [&](std::string_view ending) { return name.ends_with(ending); }))
        found.insert(name);
    }
    return found.empty() ? "" : *found.begin();
  }

  static constexpr std::uint64_t kMaxHeader = 100'000'000;  // the limit of the reference reader

  explicit Safetensors(std::string where) : where_(std::move(where)) {}

  static Safetensors open_shards(const std::string& dir, const std::string& index) {
    const auto document = JsonDocument::load_python(index);
    Safetensors all(index);
    std::map<std::string, Safetensors> shards;
    document.root().at("weight_map").each_member([&](std::string_view name, const JsonValue& value) {
      std::string file(value.string());
      if (file.starts_with("./")) file.erase(0, 2);
      if (!detail::is_plain_name(file)) value.fail("the name of a file in the same folder");
      auto shard = shards.find(file);
      if (shard == shards.end()) shard = shards.emplace(file, open(dir + "/" + file)).first;
      auto tensor = shard->second.tensors_.extract(std::string(name));
      if (tensor.empty() || !all.tensors_.insert(std::move(tensor)).inserted) {
        throw Error(value.where(), all.find(name) ? "expected one entry per tensor, found two"
                                                  : "expected a tensor of this name in " + file + ", found none");
      }
    });
    for (auto& [file, shard] : shards) std::ranges::move(shard.files_, std::back_inserter(all.files_));
    return all;
  }

  /// Throws Error unless the tensors cover the data without gap or overlap, as the reference reader requires.
  void check_coverage(std::span<const std::byte> data) const {
    std::vector<const Tensor*> sorted;
    for (const auto& [name, tensor] : tensors_) sorted.push_back(&tensor);
    std::ranges::sort(sorted, {},
                      [](const Tensor* tensor) { return std::tuple(tensor->bytes.data(), tensor->bytes.size()); });
    std::size_t end = 0;
    for (const Tensor* tensor : sorted) {
      const auto begin = static_cast<std::size_t>(tensor->bytes.data() - data.data());
      if (begin != end) {
        throw Error(tensor->where, "field data_offsets: expected begin " + std::to_string(end) +
                                       ", where the tensor before it ends, found " + std::to_string(begin));
      }
      end += tensor->bytes.size();
    }
    if (end != data.size()) {
      throw Error(where_, "expected " + std::to_string(end) + " bytes of data after the header, found " +
                              std::to_string(data.size()));
    }
  }

  std::string where_;
  std::map<std::string, Tensor, std::less<>> tensors_;
  std::vector<MappedFile> files_;
};

}  // namespace kvx::inline v0
