#pragma once

#include <kvx/core/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

/// A file that is appended to. Errors name its path.
class OutputFile {
 public:
  /// Opens `path`, made when it is missing. Throws Error.
  explicit OutputFile(std::string path, int flags = 0)
      : path_(std::move(path)), file_(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0666)) {
    if (file_ < 0) fail("open");
  }
  /// An empty file that takes the place of `path` at publish(), and is gone if that is never called.
  static OutputFile replacing(const std::string& path) {
    OutputFile file(path + ".tmp", O_TRUNC);
    file.target_ = path;
    return file;
  }
  OutputFile(OutputFile&& other) noexcept
      : path_(std::move(other.path_)),
        target_(std::exchange(other.target_, {})),
        file_(std::exchange(other.file_, -1)) {}
  OutputFile& operator=(OutputFile other) noexcept {
    std::swap(path_, other.path_);
    std::swap(target_, other.target_);
    std::swap(file_, other.file_);
    return *this;
  }
  ~OutputFile() {
    if (file_ < 0) return;
    ::close(file_);
    if (!target_.empty()) ::unlink(path_.c_str());
  }

  const std::string& path() const { return path_; }

  /// Appends by a single write(2), unless that takes only a part. Throws Error; the part may then be there.
  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::write(file_, text.data(), text.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("write");
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  /// Bytes [offset, offset + size). Throws Error when they are not there.
  std::string read(off_t offset, std::size_t size) const {
    std::string text(size, '\0');
    for (std::size_t at = 0; at < size;) {
      const ssize_t count = ::pread(file_, text.data() + at, size - at, offset + static_cast<off_t>(at));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("read");
      if (count == 0) throw Error(path_, "expected " + std::to_string(size - at) + " bytes more, found its end");
      at += static_cast<std::size_t>(count);
    }
    return text;
  }
  void truncate(off_t size) {
    if (::ftruncate(file_, size) != 0) fail("truncate");
  }

  /// Locks the file until it is closed; false when another process, or another OutputFile, has.
  bool lock() {
    if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK) fail("lock");
    return false;
  }
  /// Whether its path still leads to this file. Throws Error when this is no regular file.
  bool is_at_its_path() const {
    struct stat open {
    }, there{};
    if (::fstat(file_, &open) != 0) fail("inspect");
    if (!S_ISREG(open.st_mode)) throw Error(path_, "not a regular file");
    return ::stat(path_.c_str(), &there) == 0 && open.st_dev == there.st_dev && open.st_ino == there.st_ino;
  }

  /// Brings a replacing() file to the disk and then to its target's place, both whole or not at all.
  void publish() {
    if (::fsync(file_) != 0) fail("write");
    if (std::rename(path_.c_str(), target_.c_str()) != 0) fail("rename");
    path_ = std::exchange(target_, {});
  }

 private:
  [[noreturn]] void fail(const char* action) const {
    throw Error(path_, std::string("cannot ").append(action).append(": ") + std::strerror(errno));
  }

  std::string path_, target_;
  int file_;
};

/// Puts a file with `text` in the place of `path`: a reader sees the old one or the new one. Throws Error.
inline void replace_file(const std::string& path, std::string_view text) {
  OutputFile file = OutputFile::replacing(path);
  file.write(text);
  file.publish();
}

}  // namespace kvx::inline v0
