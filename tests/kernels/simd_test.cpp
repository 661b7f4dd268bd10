#include <kvx/kernels/simd.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

using kvx::BF16;
using S = kvx::detail::Simd<4>;

namespace {
std::array<float, 4> stored(const S::Float& lanes) {
  std::array<float, 4> out;
  S::store(lanes, out.data());
  return out;
}

float exp_of(float x) {
  S::Float lanes = S::Float{} + x;
  S::exp(lanes);
  const auto out = stored(lanes);
  CHECK(out[0] == out[3]);
  return out[0];
}

/// The error of `found`, in units in the last place of the exact result.
double ulps(float found, double exact) {
  const double ulp = std::ldexp(1.0, std::ilogb(exact) - 23);
  return std::abs(static_cast<double>(found) - exact) / ulp;
}
}  // namespace

TEST_CASE("exp is within 2 ulp over the whole range, and exact at 0") {
  double worst = 0;
  for (float x = -87; x <= 88; x += 0.0037f) worst = std::max(worst, ulps(exp_of(x), std::exp(double{x})));
  for (float x = 1e-8f; x < 1; x *= 1.1f) worst = std::max(worst, ulps(exp_of(-x), std::exp(-double{x})));
  CHECK(worst <= 2);
  CHECK(exp_of(0) == 1);
}

TEST_CASE("the arguments of exp are clamped, so that its result is positive and finite") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  CHECK(exp_of(-1e30f) == exp_of(-87));
  CHECK(exp_of(-kInfinity) == exp_of(-87));
  CHECK(exp_of(kInfinity) == exp_of(88));
  CHECK(exp_of(-87) > 0);
  CHECK(exp_of(88) < kInfinity);
}

TEST_CASE("sine and cosine have the documented errors, even for the angles of far positions") {
  double near = 0, far = 0;
  const auto error_at = [](float x) {
    S::Float sin, cos;
    S::sin_cos(S::Float{} + x, sin, cos);
    const double angle = x;
    return std::max(std::abs(static_cast<double>(stored(sin)[1]) - std::sin(angle)),
                    std::abs(static_cast<double>(stored(cos)[2]) - std::cos(angle)));
  };
  for (float x = 0; x <= 0x1p15f; x += 0.317f) near = std::max(near, error_at(x));
  for (float x = 1e-8f; x < 10; x *= 1.01f) near = std::max(near, error_at(x));
  for (float x = 0x1p15f; x <= 0x1p18f; x += 1.23f) far = std::max(far, error_at(x));
  CHECK(near <= 2e-6);  // as sin_cos() promises
  CHECK(far <= 2e-5);
}

TEST_CASE("loading bf16 gives the exact values, including signs and infinities") {
  const float values[] = {-1.5f, 0x1p-126f, -std::numeric_limits<float>::infinity(), 0x1.fep127f};
  BF16 halves[4];
  for (int i = 0; i < 4; ++i) halves[i] = static_cast<BF16>(values[i]);
  S::Float lanes;
  S::load(halves, lanes);
  for (std::size_t i = 0; i < 4; ++i) CHECK(stored(lanes)[i] == values[i]);
}

TEST_CASE("load_part reads zeros beyond its count, and store_part writes nothing there") {
  const float from[] = {1, 2, 3};
  S::Float lanes;
  kvx::detail::load_part<4>(from, 3, lanes);
  CHECK(stored(lanes) == std::array<float, 4>{1, 2, 3, 0});
  float to[] = {-1, -1, -1};
  kvx::detail::store_part<4>(lanes, 2, to);
  CHECK(to[1] == 2);
  CHECK(to[2] == -1);
}

namespace {
template <int kLanes>
void check_transpose() {
  typename kvx::detail::Simd<kLanes>::Float rows[std::size_t{kLanes}];
  for (int i = 0; i < kLanes; ++i)
    for (int j = 0; j < kLanes; ++j) rows[i][j] = static_cast<float>(100 * i + j);
  kvx::detail::transpose<kLanes>(rows);
  bool transposed = true;
  for (int i = 0; i < kLanes; ++i)
    for (int j = 0; j < kLanes; ++j) transposed &= rows[i][j] == static_cast<float>(100 * j + i);
  CHECK(transposed);
}
}  // namespace

TEST_CASE("transpose exchanges rows and columns, for every number of lanes") {
  check_transpose<4>();
  check_transpose<8>();
  check_transpose<16>();
}
