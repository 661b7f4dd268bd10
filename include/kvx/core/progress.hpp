#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

namespace kvx::inline v0 {

/// A progress bar on stderr with the time left, for work that takes more than two seconds. Prints nothing if stderr is
/// not a terminal.
class Progress {
 public:
  /// Prints nothing if `wanted` is false.
  explicit Progress(std::string label, bool wanted = true)
      : label_(std::move(label)), shown_(wanted && ::isatty(STDERR_FILENO) != 0) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  /// Shows that the fraction `done`, from 0 to 1, of the work is done.
  void update(double done) {
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    if (!shown_ || done <= 0 || seconds < 2 || seconds - last_ < 0.1) return;
    last_ = seconds;
    constexpr int kWidth = 30;
    const int filled = static_cast<int>(std::clamp(done, 0.0, 1.0) * kWidth);
    std::fprintf(stderr, "\r\033[K%s [%s%s] %3.0f %%, %.0f s left", label_.c_str(),
                 std::string(static_cast<std::size_t>(filled), '#').c_str(),
                 std::string(static_cast<std::size_t>(kWidth - filled), ' ').c_str(), 100 * done,
                 seconds / done - seconds);
    std::fflush(stderr);
  }

  /// Removes the bar from the screen.
  void clear() {
    if (last_ > 0) std::fputs("\r\033[K", stderr);
    last_ = 0;
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::string label_;
  bool shown_;
  Clock::time_point start_ = Clock::now();
  double last_ = 0;
};

}  // namespace kvx::inline v0
