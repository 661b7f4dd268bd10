#pragma once

#include <kvx/core/error.hpp>

#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

namespace kvx::inline v0 {

/// The bytes of a whole file, unpacked if it is a gzip file. Throws Error if it cannot be read, if a gzip file is
/// damaged or cut off, and if there are more than `max_bytes` bytes, because a small gzip file can unpack to very many.
inline std::string read_text_file(const std::string& path, std::size_t max_bytes = std::size_t{1} << 30) {
  struct Close {
    void operator()(gzFile_s* file) const { ::gzclose_r(file); }
  };
  errno = 0;
  const std::unique_ptr<gzFile_s, Close> file(::gzopen(path.c_str(), "rb"));
  if (!file) throw Error(path, std::string("cannot open: ") + (errno != 0 ? std::strerror(errno) : "out of memory"));
  std::string text;
  std::array<char, 1 << 16> piece;
  for (;;) {
    errno = 0;
    const int count = ::gzread(file.get(), piece.data(), static_cast<unsigned>(piece.size()));
    int code = Z_OK;
    const char* message = ::gzerror(file.get(), &code);
    if (code == Z_ERRNO) throw Error(path, std::string("cannot read: ") + std::strerror(errno));
    if (code != Z_OK) throw Error(path, std::string("expected text or a complete gzip file: ") + message);
    if (count <= 0) return text;
    if (text.size() + static_cast<std::size_t>(count) > max_bytes)
      throw Error(path, "expected at most " + std::to_string(max_bytes) + " bytes, found more");
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace kvx::inline v0
