#include <kvx/kernels/convert_rows.hpp>
#include <kvx/kernels/matmul.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "support/random_floats.hpp"

using namespace kvx;

namespace {
constexpr float kInfinity = std::numeric_limits<float>::infinity();

float float_of(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
std::uint16_t bits_of(BF16 half) {
  std::uint16_t bits;
  std::memcpy(&bits, &half, sizeof bits);
  return bits;
}

struct QuantizedInputs {
  std::vector<std::int8_t> bytes;
  std::vector<float> scales;
  std::vector<std::int32_t> offsets;

  QuantizedInputs(std::vector<float> row, Isa path)
      : bytes((row.size() + 63) / 64 * 64, std::int8_t{99}), scales(bytes.size() / 64), offsets(scales.size()) {
    const auto in = static_cast<Index>(row.size());
    row.push_back(1e9f);  // not part of the row
    detail::run_on(path, detail::QuantizeJob{row.data(), in, static_cast<Index>(scales.size()), bytes.data(),
                                             scales.data(), offsets.data()});
  }
};
}  // namespace

TEST_CASE("floats are rounded to bf16 as Eigen rounds them, on every path") {
  std::vector<float> row;
  for (std::uint32_t high = 0; high < 0x10000; high += 13)  // signs, zeros, subnormals, infinities and NaN among them
    for (const std::uint32_t low : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      row.push_back(float_of(high << 16 | low));
  for (const float value : {0.0f, -0.0f, kInfinity, -kInfinity, std::numeric_limits<float>::max()})
    row.push_back(value);
  for (const std::uint32_t nan : {0x7f800001u, 0xff800001u, 0x7fffffffu, 0xffffffffu, 0x7fc00000u})
    row.push_back(float_of(nan));
  const auto in = static_cast<Index>(row.size()), padded = (in + 31) / 32 * 32;
  row.push_back(7);  // not part of the row
  for (const Isa path : available_isas()) {
    std::vector<BF16> halves(static_cast<std::size_t>(padded), static_cast<BF16>(7.0f));
    detail::run_on(path, detail::RoundJob{row.data(), in, padded, halves.data(), 32});
    bool same = true;
    for (std::size_t k = 0; k < static_cast<std::size_t>(in); ++k)
      same &= std::isnan(row[k]) ? std::isnan(static_cast<float>(halves[k])) &&
                                       std::signbit(static_cast<float>(halves[k])) == std::signbit(row[k])
                                 : bits_of(halves[k]) == bits_of(static_cast<BF16>(row[k]));
    CHECK(same);
    for (auto k = static_cast<std::size_t>(in); k < halves.size(); ++k) CHECK(bits_of(halves[k]) == 0);
  }
}

TEST_CASE("parts of 32 inputs are written at the given stride") {
  const auto row = kvx_test::random_floats(70, 5);
  for (const Isa path : available_isas()) {
    std::vector<BF16> adjacent(96), spread(3 * 80, static_cast<BF16>(7.0f));
    detail::run_on(path, detail::RoundJob{row.data(), 70, 96, adjacent.data(), 32});
    detail::run_on(path, detail::RoundJob{row.data(), 70, 96, spread.data(), 80});
    for (std::size_t k = 0; k < 3 * 80; ++k)
      CHECK(bits_of(spread[k]) == bits_of(k % 80 < 32 ? adjacent[k / 80 * 32 + k % 80] : static_cast<BF16>(7.0f)));
  }
}

TEST_CASE("a value halfway between two bf16 is rounded to the even one") {
  const float row[] = {1.0f + 0x1p-8f, 1.0f + 0x3p-8f, -1.0f - 0x3p-8f, 1.0f + 0x1p-8f + 0x1p-23f};
  for (const Isa path : available_isas()) {
    BF16 halves[32];
    detail::run_on(path, detail::RoundJob{row, 4, 32, halves, 32});
    CHECK(static_cast<float>(halves[0]) == 1.0f);
    CHECK(static_cast<float>(halves[1]) == 1.0f + 0x2p-7f);
    CHECK(static_cast<float>(halves[2]) == -1.0f - 0x2p-7f);
    CHECK(static_cast<float>(halves[3]) == 1.0f + 0x1p-7f);
  }
}

TEST_CASE("each value of a row is within half a step of its byte, and the largest of a group gets 127") {
  for (const Isa path : available_isas())
    for (const std::size_t in : {1u, 3u, 4u, 15u, 17u, 63u, 64u, 65u, 127u, 128u, 200u}) {
      auto row = kvx_test::random_floats(in, in);
      for (std::size_t k = 0; k < in; ++k) row[k] *= k < 64 ? 1e-3f : 1e3f;  // a scale for each group
      const QuantizedInputs found(row, path);
      CAPTURE(name_of(path));
      CAPTURE(in);
      for (std::size_t g = 0; g < found.scales.size(); ++g) {
        const auto first = static_cast<std::ptrdiff_t>(64 * g),
                   last = std::min(first + 64, static_cast<std::ptrdiff_t>(in));
        float largest = 0;
        int highest = 0;
        bool near = true;
        for (auto k = static_cast<std::size_t>(first); k < static_cast<std::size_t>(last); ++k) {
          largest = std::max(largest, std::abs(row[k]));
          highest = std::max(highest, std::abs(int{found.bytes[k]}));
          // Up to 127 steps are computed in float, with three roundings.
          near &= std::abs(double{row[k]} / double{found.scales[g]} - found.bytes[k]) <= 0.5 + 127 * 3 * 0x1p-24;
        }
        CHECK(near);
        CHECK(highest == 127);
        CHECK(found.scales[g] == largest / 127);
        CHECK(found.offsets[g] == -128 * std::accumulate(found.bytes.begin() + first, found.bytes.begin() + last, 0));
      }
      CHECK(std::all_of(found.bytes.begin() + static_cast<std::ptrdiff_t>(in), found.bytes.end(),
                        [](std::int8_t byte) { return byte == 0; }));
    }
}

TEST_CASE("integer numbers of steps are kept, with their signs") {
  std::vector<int> steps;
  for (int i = 0; i < 64; ++i) steps.push_back((i % 2 == 0 ? -1 : 1) * (2 * i + 1));
  std::vector<float> row(steps.begin(), steps.end());
  for (float& value : row) value *= 0.25f;
  for (const Isa path : available_isas()) {
    const QuantizedInputs found(row, path);
    CHECK(found.scales == std::vector<float>{0.25f});
    CHECK(std::vector<int>(found.bytes.begin(), found.bytes.end()) == steps);
    CHECK(found.offsets == std::vector<std::int32_t>{-128 * 64});  // 32 pairs of neighbors, each with a sum of 2
  }
}

TEST_CASE("groups of zeros, and groups too small for a scale, become zeros") {
  for (const Isa path : available_isas())
    for (const float value : {0.0f, -0.0f, 1e-44f, -1e-40f, 1e-37f}) {
      std::vector<float> row(130, value);
      row[70] = 0;
      row[128] = 5;
      row[129] = -5;
      const QuantizedInputs found(row, path);
      CAPTURE(name_of(path));
      CAPTURE(value);
      for (std::size_t k = 0; k < 128; ++k) CHECK(found.bytes[k] == 0);
      CHECK(found.bytes[128] == 127);
      CHECK(found.bytes[129] == -127);
      CHECK(found.offsets == std::vector<std::int32_t>{0, 0, 0});
      CHECK(std::abs(found.scales[0]) < 1e-38f);
    }
}
