#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// The only exception type that kvx throws to its callers. what() is a single line "WHERE: WHAT", where WHERE names the
/// file, field or parameter and WHAT says what was expected and what was found. Control characters are shown as `?`.
class Error : public std::runtime_error {
 public:
  Error(std::string_view where, std::string_view what)
      : std::runtime_error(one_line(std::string(where).append(": ").append(what))) {}

 private:
  static std::string one_line(std::string text) {
    for (char& c : text)
      if ((c >= 0 && c < ' ') || c == '\x7f') c = '?';
    return text;
  }
};

/// A press cannot be applied to a sample, for example because the context is shorter than the press's window. Reports
/// count such samples; the run does not fail.
class NotApplicable : public Error {
 public:
  using Error::Error;
};

}  // namespace kvx::inline v0
