#pragma once

#include <kvx/core/error.hpp>

#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

namespace detail {

/// Throws Error if `count` is more than `max_bytes`.
inline void expect_bytes(const std::string& path, std::size_t count, std::size_t max_bytes) {
  if (count > max_bytes) throw Error(path, "expected at most " + std::to_string(max_bytes) + " bytes, found more");
}

/// The unpacked bytes of the gzip file `packed`, which may have several members. zlib's own functions for files ignore
/// what follows the last member.
inline std::string unpacked(const std::string& path, std::string packed, std::size_t max_bytes) {
  z_stream stream = {};
  if (::inflateInit2(&stream, 15 + 16) != Z_OK) throw Error(path, "cannot unpack: out of memory");
  const std::unique_ptr<z_stream, decltype(&::inflateEnd)> end(&stream, &::inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  std::array<char, 1 << 16> piece;
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    const int code = ::inflate(&stream, Z_NO_FLUSH);
    text.append(piece.data(), piece.size() - stream.avail_out);
    expect_bytes(path, text.size(), max_bytes);
    if (code == Z_STREAM_END && stream.avail_in == 0) return text;
    if (code != Z_OK && (code != Z_STREAM_END || ::inflateReset(&stream) != Z_OK))
      throw Error(path, std::string("expected text or a complete gzip file: ") +
                            (stream.msg != nullptr ? stream.msg : "unexpected end of file"));
  }
}

}  // namespace detail

/// The bytes of a whole file, unpacked if it is a gzip file. Throws Error if it cannot be read, if a gzip file is
/// damaged, cut off or followed by other bytes, and if there are more than `max_bytes` bytes, because a small gzip file
/// can unpack to very many.
inline std::string read_text_file(const std::string& path, std::size_t max_bytes = std::size_t{1} << 30) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (!file) throw Error(path, std::string("cannot open: ") + std::strerror(errno));
  std::string text;
  std::array<char, 1 << 16> piece;
  while (const std::size_t count = std::fread(piece.data(), 1, piece.size(), file.get())) {
    text.append(piece.data(), count);
    detail::expect_bytes(path, text.size(), max_bytes);
  }
  if (std::ferror(file.get()) != 0) throw Error(path, std::string("cannot read: ") + std::strerror(errno));
  return text.starts_with("\x1f\x8b") ? detail::unpacked(path, std::move(text), max_bytes) : text;
}

}  // namespace kvx::inline v0
