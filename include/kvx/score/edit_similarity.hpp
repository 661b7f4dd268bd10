#pragma once

#include <kvx/text/utf8.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The characters of a text, U+FFFD for what is not UTF-8.
inline std::u32string code_points(std::string bytes) {
  std::string text = take_utf8(bytes);
  if (!bytes.empty()) text += "\uFFFD";
  std::u32string points;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t point = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3Fu);
    points += point;
    i += length;
  }
  return points;
}

/// The length of the longest common subsequence. Hyyrö, "Bit-Parallel LCS-length Computation Revisited" (2004): 64
/// rows of the table at a time.
inline std::size_t common_subsequence(std::u32string_view a, std::u32string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  const std::size_t words = (a.size() + 63) / 64;
  std::unordered_map<char32_t, std::vector<std::uint64_t>> places;  // of a character in a
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto& bits = places[a[i]];
    bits.resize(words);
    bits[i / 64] |= std::uint64_t{1} << i % 64;
  }
  std::vector<std::uint64_t> row(words, ~std::uint64_t{0});
  for (const char32_t c : b) {
    const auto found = places.find(c);
    if (found == places.end()) continue;
    std::uint64_t carry = 0;
    for (std::size_t w = 0; w < words; ++w) {
      const std::uint64_t hits = row[w] & found->second[w], sum = row[w] + hits, all = sum + carry;
      carry = (sum < hits) | (all < sum);
      row[w] = all | (row[w] - hits);
    }
  }
  std::size_t length = 0;
  for (const std::uint64_t bits : row) length += static_cast<std::size_t>(std::popcount(~bits));
  return length;
}

}  // namespace detail

/// 1 minus the insertions and deletions that turn one text into the other, over the characters of both; 1 for two
/// empty texts. It is rapidfuzz.fuzz.ratio / 100.
inline double edit_similarity(std::string_view a, std::string_view b) {
  const std::u32string left = detail::code_points(std::string(a)), right = detail::code_points(std::string(b));
  const std::size_t all = left.size() + right.size();
  if (all == 0) return 1;
  return 2 * static_cast<double>(detail::common_subsequence(left, right)) / static_cast<double>(all);
}

}  // namespace kvx::inline v0
