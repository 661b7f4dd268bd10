#pragma once

#include <cstddef>
#include <string_view>

namespace kvx::inline v0::detail {

/// Tracks Python's brackets and strings from line to line, to find where a statement ends.
class PythonScan {
 public:
  /// Reads one line, without its end.
  void read(std::string_view line) {
    continued_ = false;
    colon_ = line.npos;
    code_ = line;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (quote_ != 0) {
        if (c == '\\') {
          ++i;
        } else if (line.substr(i, 3) == std::string_view(fence_, 3)) {
          quote_ = 0;
          i += 2;
        }
      } else if (c == '#') {
        code_ = line.substr(0, i);
        return;
      } else if (c == '"' || c == '\'') {
        fence_[0] = fence_[1] = fence_[2] = c;
        if (line.substr(i, 3) == std::string_view(fence_, 3)) {
          quote_ = c;
          i += 2;
        } else {
          i = end_of_string(line, i);
        }
      } else if (c == '(' || c == '[' || c == '{') {
        ++depth_;
      } else if (c == ')' || c == ']' || c == '}') {
        depth_ -= depth_ > 0;
      } else if (c == '\\' && i + 1 == line.size()) {
        continued_ = true;
      } else if (c == ':' && depth_ == 0 && colon_ == line.npos) {
        colon_ = i;
      }
    }
  }

  bool in_string() const { return quote_ != 0; }
  /// Whether the next line belongs to the same statement.
  bool open() const { return quote_ != 0 || depth_ > 0 || continued_; }
  /// The last line without its comment.
  std::string_view code() const { return code_; }
  /// The first colon of the last line that is outside of brackets; npos for none.
  std::size_t colon() const { return colon_; }

 private:
  /// The end of a string that begins at `begin` and is not triple-quoted, so that it ends with its line at the latest.
  static std::size_t end_of_string(std::string_view line, std::size_t begin) {
    std::size_t i = begin + 1;
    while (i < line.size() && line[i] != line[begin]) i += line[i] == '\\' ? 2u : 1u;
    return i;
  }

  char quote_ = 0, fence_[3] = {};
  std::size_t depth_ = 0, colon_ = std::string_view::npos;
  bool continued_ = false;
  std::string_view code_;
};

}  // namespace kvx::inline v0::detail
