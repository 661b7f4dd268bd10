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

/// A file to which text is appended. Errors name its path.
class OutputFile {
 public:
  /// Opens `path`, and creates the file if it is missing. Throws Error.
  explicit OutputFile(std::string path, int flags = 0)
      : path_(std::move(path)), file_(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0666)) {
    if (file_ < 0) fail("open");
  }
  /// An empty temporary file. publish() moves it to `path`; without publish(), the destructor deletes it.
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

  /// Appends the text, by a single write(2) unless that writes only a part. Throws Error; a part may then have been
  /// written.
  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::write(file_, text.data(), text.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("write");
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  /// Reads bytes [offset, offset + size). Throws Error if the file ends before.
  std::string read(off_t offset, std::size_t size) const {
    std::string text(size, '\0');
    for (std::size_t at = 0; at < size;) {
      const ssize_t count = ::pread(file_, text.data() + at, size - at, offset + static_cast<off_t>(at));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("read");
      if (count == 0)
        throw Error(path_, "expected " + std::to_string(size - at) + " more bytes, found the end of the file");
      at += static_cast<std::size_t>(count);
    }
    return text;
  }
  void truncate(off_t size) {
    if (::ftruncate(file_, size) != 0) fail("truncate");
  }

  /// Locks the file until it is closed. Returns false if another process or another OutputFile has locked it.
  bool lock() {
    if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK) fail("lock");
    return false;
  }
  /// Whether the path still refers to this file. Throws Error if this is not a regular file.
  bool is_at_its_path() const {
    struct stat opened {
    }, at_path{};
    if (::fstat(file_, &opened) != 0) fail("inspect");
    if (!S_ISREG(opened.st_mode)) throw Error(path_, "not a regular file");
    return ::stat(path_.c_str(), &at_path) == 0 && opened.st_dev == at_path.st_dev && opened.st_ino == at_path.st_ino;
  }

  /// Writes a replacing() file to the disk and then moves it to its target path. Readers see either the old file or the
  /// complete new one.
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

/// Replaces the file at `path` by one with `text`. Readers see either the old file or the complete new one. Throws
/// Error.
inline void replace_file(const std::string& path, std::string_view text) {
  OutputFile file = OutputFile::replacing(path);
  file.write(text);
  file.publish();
}

}  // namespace kvx::inline v0
