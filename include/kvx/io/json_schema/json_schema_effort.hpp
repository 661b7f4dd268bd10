#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/regex.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// What one validation may spend, so that no schema and no value makes it endless. Measured where every subschema
/// begins.
class SchemaEffort {
 public:
  explicit SchemaEffort(std::string_view where) : where_(where), outer_(std::exchange(current(), this)) {}
  SchemaEffort(const SchemaEffort&) = delete;
  SchemaEffort& operator=(const SchemaEffort&) = delete;
  ~SchemaEffort() { current() = outer_; }

  /// Throws Error when too much is spent. `path` is what valijson copies on its way to each value.
  static void spend(const std::vector<std::string>& path) {
    SchemaEffort& effort = *current();
    for (const auto& name : path) effort.steps_ += 1 + name.size() / 64;
    effort.check();
  }
  /// A pattern that takes no more than its share of it.
  static Regex pattern(const std::string& text, std::string where) { return {text, std::move(where), 100'000}; }
  static bool found(const Regex& pattern, const std::string& text) {
    current()->steps_ += 2000;
    current()->check();
    return pattern.found_in(text);
  }

 private:
  static constexpr std::size_t kMostSteps = 20'000'000, kMostStack = 4 << 20;

  void check() const {
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const std::uintptr_t stack = base_ > here ? base_ - here : here - base_;
    if (steps_ > kMostSteps || stack > kMostStack)
      throw Error(where_, "too many steps, or too deep: does the schema refer to itself endlessly?");
  }

  static SchemaEffort*& current() {
    static thread_local SchemaEffort* effort = nullptr;
    return effort;
  }

  std::string_view where_;
  SchemaEffort* outer_;
  std::size_t steps_ = 0;
  std::uintptr_t base_ = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
};

}  // namespace detail

}  // namespace kvx::inline v0
