#pragma once

#include <kvx/core/error.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

namespace detail {

/// Throws the Error for a system call that failed with error number `code`.
[[noreturn]] inline void fail_call(std::string_view where, std::string_view call, int code) {
  throw Error(where, std::string(call).append(": ").append(std::strerror(code)));
}

/// A file descriptor that is closed with the object. Programs that are run do not inherit it.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }

  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  /// Reads once, without waiting, and appends the bytes to `text` up to a size of `max_size`; the rest is dropped.
  /// Closes the descriptor at the end of the file.
  void read_into(std::string& text, std::size_t max_size) {
    std::array<char, 1 << 16> piece;
    const ssize_t count = ::read(fd_, piece.data(), piece.size());
    if (count > 0) {
      text.append(piece.data(), std::min(static_cast<std::size_t>(count), max_size - std::min(max_size, text.size())));
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      close();
    }
  }

 private:
  int fd_ = -1;
};

/// A pipe. Reading from it does not wait.
struct Pipe {
  Descriptor read, write;

  explicit Pipe(std::string_view where) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail_call(where, "pipe", errno);
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
    if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) fail_call(where, "fcntl", errno);
  }
};

/// A file in memory with the contents `text`. Unlike a pipe, it needs no process that writes while it is read.
inline Descriptor memory_file(std::string_view where, std::string_view text) {
  Descriptor file(::memfd_create("kvx", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file.get() < 0) fail_call(where, "memfd_create", errno);
  for (std::size_t offset = 0; offset < text.size();) {
    const ssize_t count = ::pwrite(file.get(), text.data() + offset, text.size() - offset, static_cast<off_t>(offset));
    if (count < 0 && errno != EINTR) fail_call(where, "write", errno);
    if (count > 0) offset += static_cast<std::size_t>(count);
  }
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    fail_call(where, "seal", errno);
  return file;
}

}  // namespace detail

}  // namespace kvx::inline v0
