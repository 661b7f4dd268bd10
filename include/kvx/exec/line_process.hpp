#pragma once

#include <kvx/core/error.hpp>
#include <kvx/exec/descriptor.hpp>
#include <kvx/exec/process.hpp>
#include <kvx/exec/supervise.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// A program that answers lines of its standard input with lines on descriptor 3. It and all processes that it has
/// started are killed with the object, or when the caller is killed.
class LineProcess {
 public:
  /// Why there is no answer.
  enum class Failure { none, timed_out, too_long, ended };

  struct Answer {
    std::string line;  ///< without its line end
    Failure failure = Failure::none;
    int exit_status = 0, signal = 0;  ///< of a program that ended; signal: that killed it, or 0
  };

  /// Starts the program. `input`, `output_bytes` and the wall time of `options` are not used. Throws Error if that
  /// fails.
  explicit LineProcess(const ProcessOptions& options)
      : where_(options.argv.at(0)),
        sockets_(where_),
        output_(where_),
        report_(where_),
        control_(where_),
        status_(where_),
        argv_(detail::pointers(options.argv)),
        environment_(detail::pointers(options.environment)),
        limits_(detail::resource_limits(options.limits)),
        supervisor_({argv_.data(), environment_.data(), options.directory.c_str(), limits_, options.uid,
                     options.no_new_privileges, sockets_.child.get(), output_.write.get(), report_.write.get(),
                     control_.read.get(), status_.write.get()},
                    control_, where_) {
    for (detail::Descriptor* child_end :
         {&sockets_.child, &output_.write, &report_.write, &control_.read, &status_.write})
      child_end->close();
  }

  /// Sends `line`, unless it is empty, and waits for a line of at most `most_bytes` bytes. After a failure, the program
  /// is stopped. Throws Error if the program cannot be run.
  Answer ask(std::string_view line, double wall_seconds, std::size_t most_bytes) {
    const auto end = Clock::now() + std::chrono::duration<double>(wall_seconds);
    std::string request(line);
    if (!line.empty()) request += '\n';
    std::string_view unsent = request;
    for (std::size_t searched = 0;;) {
      if (const std::size_t found = answer_.find('\n', searched); found != answer_.npos) {
        Answer answer{answer_.substr(0, found)};
        answer_.erase(0, found + 1);
        return answer;
      }
      searched = answer_.size();
      const std::chrono::duration<double, std::milli> remaining = end - Clock::now();
      if (answer_.size() > most_bytes) return failed(Failure::too_long);
      if (remaining.count() <= 0) return failed(Failure::timed_out);
      if (status_.read.get() < 0) return failed(Failure::ended);
      pollfd polled[4] = {{sockets_.parent.get(), static_cast<short>(unsent.empty() ? 0 : POLLOUT), 0},
                          {output_.read.get(), POLLIN, 0},
                          {report_.read.get(), POLLIN, 0},
                          {status_.read.get(), POLLIN, 0}};
      if (unsent.empty()) polled[0].fd = -1;
      ::poll(polled, 4, static_cast<int>(std::min(remaining.count(), 1e6)) + 1);
      if (polled[0].revents != 0) send_some(unsent);
      if (polled[1].revents != 0) output_.read.read_into(output_text_, kMostOutput);
      if (polled[2].revents != 0) report_.read.read_into(answer_, most_bytes + 1);
      if (polled[3].revents != 0) status_.read.read_into(status_bytes_, 2 * sizeof(detail::SupervisorReport));
    }
  }

  /// The beginning of the text that the program has written to standard output and error.
  const std::string& output() const { return output_text_; }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMostOutput = 4096;

  /// Two connected sockets. Unlike a pipe, writing to a program that has ended raises no signal.
  struct Sockets {
    detail::Descriptor parent, child;
    explicit Sockets(std::string_view where) {
      int ends[2];
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        detail::fail_call(where, "socketpair", errno);
      parent = detail::Descriptor(ends[0]);
      child = detail::Descriptor(ends[1]);
    }
  };

  void send_some(std::string_view& unsent) {
    const ssize_t count = ::send(sockets_.parent.get(), unsent.data(), unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) unsent.remove_prefix(static_cast<std::size_t>(count));
    if (count < 0 && errno != EAGAIN && errno != EINTR) unsent = {};  // the program has ended, as its status will say
  }

  Answer failed(Failure failure) {
    supervisor_.stop();
    Answer answer{"", failure};
    detail::SupervisorReport result;
    if (failure != Failure::ended || status_bytes_.size() < sizeof result) return answer;
    std::memcpy(&result, status_bytes_.data(), sizeof result);
    if (result.failed_call != nullptr) detail::fail_call(where_, result.failed_call, result.error);
    output_.read.read_into(output_text_, kMostOutput);
    if (WIFSIGNALED(result.wait_status)) answer.signal = WTERMSIG(result.wait_status);
    if (WIFEXITED(result.wait_status)) answer.exit_status = WEXITSTATUS(result.wait_status);
    return answer;
  }

  std::string where_;
  Sockets sockets_;
  detail::Pipe output_, report_, control_, status_;
  std::vector<char*> argv_, environment_;  // only valid in the constructor
  std::vector<detail::ResourceLimit> limits_;
  detail::Supervisor supervisor_;
  std::string answer_, output_text_, status_bytes_;
};

}  // namespace kvx::inline v0
