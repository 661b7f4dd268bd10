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

/// Limits the steps and the stack of one validation, so that it ends for every schema and value. The limits are checked
/// at the beginning of each subschema.
class SchemaEffort {
 public:
  explicit SchemaEffort(std::string_view where) : where_(where), outer_(std::exchange(current(), this)) {}
  SchemaEffort(const SchemaEffort&) = delete;
  SchemaEffort& operator=(const SchemaEffort&) = delete;
  ~SchemaEffort() { current() = outer_; }

  /// Counts the steps for a value and throws Error if a limit is exceeded. valijson copies `path`, the path to the
  /// value.
  static void spend(const std::vector<std::string>& path) {
    SchemaEffort& effort = *current();
    for (const auto& name : path) effort.steps_ += 1 + name.size() / 64;
    effort.check();
  }
  /// A pattern with a lower limit for the steps of one match.
  static Regex pattern(const std::string& text, std::string where) { return {text, std::move(where), 100'000}; }
  /// Whether `pattern` matches in `text`, counted as steps.
  static bool found(const Regex& pattern, const std::string& text) {
    current()->steps_ += 2000;
    current()->check();
    return pattern.found_in(text);
  }

 private:
  static constexpr std::size_t kMaxSteps = 20'000'000, kMaxStack = 4 << 20;

  void check() const {
    const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const std::uintptr_t stack = base_ > frame ? base_ - frame : frame - base_;
    if (steps_ > kMaxSteps || stack > kMaxStack)
      throw Error(where_,
                  "validation takes too many steps or nests too deeply: does the schema refer to itself endlessly?");
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
