#pragma once

#include <kvx/core/error.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace kvx::inline v0 {

/// Whether a file exists. A link whose target is missing counts as existing, so that reading it is an error.
inline bool file_exists(const std::string& path) {
  std::error_code code;
  return std::filesystem::exists(std::filesystem::symlink_status(path, code));
}

/// A file mapped read-only into memory. Throws Error if it is missing, unreadable or not a regular file. A file that
/// shrinks while it is mapped ends the program (SIGBUS), as with every mapping.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) : path_(path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe must not make open() wait
    if (file < 0) throw_unopened(errno);
    struct stat status {};
    const bool regular = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
    if (regular && status.st_size > 0) {
      size_ = static_cast<std::size_t>(status.st_size);
      data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    }
    const int code = errno;
    ::close(file);
    if (!regular) throw Error(path, "not a regular file");
    if (data_ == MAP_FAILED) throw Error(path, std::string("cannot map: ") + std::strerror(code));
  }
  MappedFile(MappedFile&& other) noexcept
      : path_(std::move(other.path_)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile other) noexcept {
    std::swap(path_, other.path_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~MappedFile() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }
  std::string_view text() const { return {static_cast<const char*>(data_), size_}; }

  /// Releases the memory of the whole pages inside `part`; they are read again when they are used. Does nothing for
  /// bytes outside this file.
  void drop_pages(std::span<const std::byte> part) const {
    const auto base = reinterpret_cast<std::uintptr_t>(data_), begin = reinterpret_cast<std::uintptr_t>(part.data());
    if (begin < base || begin - base > size_ || part.size() > size_ - (begin - base)) return;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));  // the mapping begins at a page
    const std::size_t from = (begin - base + page - 1) / page * page, to = (begin - base + part.size()) / page * page;
    if (from < to) ::madvise(static_cast<std::byte*>(data_) + from, to - from, MADV_DONTNEED);
  }

 private:
  /// Throws Error for a file that could not be opened. If it is a link whose target is missing, as in a damaged cache,
  /// the message names the target.
  [[noreturn]] void throw_unopened(int code) const {
    std::error_code link_error;
    const auto target = std::filesystem::read_symlink(path_, link_error);
    if (code == ENOENT && !link_error)
      throw Error(path_, "cannot open: a link to " +
                             (std::filesystem::path(path_).parent_path() / target).lexically_normal().string() +
                             ", which is missing");
    throw Error(path_, std::string("cannot open: ") + std::strerror(code));
  }

  std::string path_;
  void* data_ = nullptr;  // nullptr for an empty file
  std::size_t size_ = 0;
};

}  // namespace kvx::inline v0
