#include <kvx/kernels/matmul.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "support/emulated_tiles.hpp"
#include "support/random_floats.hpp"

using namespace kvx;
using kvx_test::random_floats;

namespace {
constexpr float kUntouched = 12345;
constexpr auto kProductFormats = {WeightFormat::f32, WeightFormat::bf16, WeightFormat::int8};
/// Fewer than a tile of each path, whole tiles, rests, and from 24 on what bf16 panels are widened for.
constexpr auto kRowCounts = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 24, 25, 40};
constexpr Index kMostRows = 40;

/// What a path multiplies in place of the rows.
enum class Rows { themselves, rounded_to_bf16, quantized };
Rows rows_of(Isa path, WeightFormat format) {
  if (format == WeightFormat::int8) return Rows::quantized;
  return format == WeightFormat::bf16 && rounds_rows(path) ? Rows::rounded_to_bf16 : Rows::themselves;
}

/// An output in double. `reach` is the sum of the magnitudes of what is added up in float, and `doubt` what it moves by
/// if values that lie between two steps go to the other one.
struct Exact {
  double sum = 0, reach = 0, doubt = 0;
};

struct Shape {
  Index out, in;
};

/// A random product with rows of x and y that lie apart.
struct Product {
  Index in, out, x_stride, y_stride;
  PackedMatrix weights;
  std::vector<float> x, bias;

  Product(WeightFormat format, Shape shape, Threads& threads, Index rows = kMostRows)
      : in(shape.in),
        out(shape.out),
        x_stride(in + 3),
        y_stride(out + 5),
        weights(format, out, in),
        x(random_floats(static_cast<std::size_t>(rows * x_stride), 1)),
        bias(random_floats(static_cast<std::size_t>(out), 2)) {
    const auto w = random_floats(static_cast<std::size_t>(out * in), 3);
    weights.pack(0, out, Dtype::f32, std::as_bytes(std::span(w)), threads);
  }

  const float* row(Index r) const { return x.data() + r * x_stride; }

  /// Rows [first, first + count) of y, with their stride.
  std::vector<float> run(Index first, Index count, bool with_bias, Threads& threads, Isa path) const {
    std::vector<float> y(static_cast<std::size_t>(count * y_stride), kUntouched);
    matmul(view(row(first), count, in, x_stride), weights,
           with_bias ? std::span<const float>(bias) : std::span<const float>(), view(y.data(), count, out, y_stride),
           threads, path);
    return y;
  }

  /// The product without the bias, [kMostRows, out].
  std::vector<Exact> exact(Rows form) const {
    std::vector<float> w(static_cast<std::size_t>(out * in));
    for (Index o = 0; o < out; ++o) weights.row(o, w.data() + o * in);
    const Index together = form == Rows::quantized ? 64 : 1;  // inputs, whose sum is exact
    std::vector<Exact> result;
    std::vector<std::pair<double, double>> taken(static_cast<std::size_t>(in));  // values and their doubts
    for (Index r = 0; r < kMostRows; ++r) {
      for (Index first = 0; first < in; first += together) take(r, first, std::min(in, first + together), form, taken);
      for (Index o = 0; o < out; ++o) {
        Exact& e = result.emplace_back();
        for (Index first = 0; first < in; first += together) {
          double sum = 0;
          for (Index k = first; k < std::min(in, first + together); ++k) {
            const double weight{w[static_cast<std::size_t>(o * in + k)]};
            const auto& [value, doubt] = taken[static_cast<std::size_t>(k)];
            sum += value * weight;
            e.doubt += doubt * std::abs(weight);
          }
          e.sum += sum;
          e.reach += std::abs(sum);
        }
      }
    }
    return result;
  }

  /// Inputs [first, last) of row r as a path takes them.
  void take(Index r, Index first, Index last, Rows form, std::vector<std::pair<double, double>>& to) const {
    float largest = 0;
    for (Index k = first; k < last; ++k) largest = std::max(largest, std::abs(row(r)[k]));
    const double step{largest / 127};
    for (Index k = first; k < last; ++k) {
      auto& [value, doubt] = to[static_cast<std::size_t>(k)];
      const float x_k = row(r)[k];
      value = double{form == Rows::rounded_to_bf16 ? static_cast<float>(static_cast<BF16>(x_k)) : x_k};
      doubt = 0;
      if (form != Rows::quantized) continue;
      const double steps = value * 127 / double{largest};
      value = std::nearbyint(steps) * step;
      // A path has them in float, after three roundings.
      if (std::abs(std::abs(steps - std::floor(steps)) - 0.5) < 127 * 3 * 0x1p-24) doubt = step;
    }
  }

  /// Whether rows of y are the exact ones but for rounding, and nothing is written beside them: n roundings, each by u,
  /// move a sum by n u / (1 - n u) of what it reaches.
  bool near(const std::vector<float>& y, bool with_bias, const std::vector<Exact>& exact) const {
    // Each product (in int8 that of two scales, and its own), each sum and the bias.
    const Index count = weights.format() == WeightFormat::int8 ? weights.groups() + 2 : in + 1;
    const double roundings = static_cast<double>(count) * 0x1p-24;
    for (std::size_t i = 0; i < y.size(); ++i) {
      const auto stride = static_cast<std::size_t>(y_stride), r = i / stride, o = i % stride;
      if (o >= bias.size()) {
        if (y[i] != kUntouched) return false;
        continue;
      }
      const Exact& e = exact[r * bias.size() + o];
      const double added{with_bias ? bias[o] : 0};
      const double bound = e.doubt + roundings / (1 - roundings) * (e.reach + e.doubt + std::abs(added));
      if (!(std::abs(double{y[i]} - e.sum - added) <= bound)) return false;
    }
    return true;
  }
};

bool same_bits(const std::vector<float>& part, const float* whole) {
  return std::memcmp(part.data(), whole, part.size() * sizeof(float)) == 0;
}
}  // namespace

TEST_CASE("every path is as near to the exact product as float sums are, and writes nothing else") {
  Threads threads(2);
  const auto check = [&](WeightFormat format, Shape shape) {
    const Product product(format, shape, threads);
    std::array<std::vector<Exact>, 3> exact;
    for (const Isa path : available_isas()) {
      auto& expected = exact[static_cast<std::size_t>(rows_of(path, format))];
      if (expected.empty()) expected = product.exact(rows_of(path, format));
      for (const Index rows : kRowCounts)
        for (const bool with_bias : {false, true}) {
          if (product.near(product.run(0, rows, with_bias, threads, path), with_bias, expected)) continue;
          CAPTURE(name_of(path));
          CAPTURE(name_of(format));
          CAPTURE(rows);
          CAPTURE(product.in);
          CAPTURE(product.out);
          CAPTURE(with_bias);
          CHECK(false);
        }
    }
  };
  for (const WeightFormat format : kProductFormats) {
    for (const Index out : {1, 15, 16, 17, 63, 70, 129})
      for (const Index in : {1, 2, 3, 7, 31, 64, 70}) check(format, {out, in});
    for (const Index in : {256, 512, 515, 1030})  // blocks of widened panels, and some
      for (const Index out : {1, 70}) check(format, {out, in});
  }
}

TEST_CASE("a row of a batch has the same bits as that row alone, at every number of rows and threads") {
  Threads one(1), three(3);
  for (const WeightFormat format : kProductFormats)
    for (const Shape shape : {Shape{17, 70}, {70, 1030}, {2000, 70}}) {  // the last for threads
      const Product product(format, shape, one);
      for (const Isa path : available_isas()) {
        const auto batch = product.run(0, kMostRows, true, three, path);
        CHECK(batch == product.run(0, kMostRows, true, one, path));
        for (const Index rows : kRowCounts)
          for (Index first = 0; first + rows <= kMostRows; first += rows) {
            const auto part = product.run(first, rows, true, rows % 2 == 0 ? three : one, path);
            if (same_bits(part, batch.data() + first * product.y_stride)) continue;
            CAPTURE(name_of(path));
            CAPTURE(name_of(format));
            CAPTURE(rows);
            CAPTURE(first);
            CAPTURE(product.out);
            CHECK(false);
          }
      }
    }
}

TEST_CASE("a row has the same bits in a product of more rows than are multiplied at a time") {
  constexpr Index kRows = 800;
  Threads one(1), three(3);
  for (const WeightFormat format : kProductFormats) {
    const Product product(format, {70, 600}, one, kRows);
    for (const Isa path : available_isas()) {
      const auto all = product.run(0, kRows, true, three, path);
      for (Index r = 0; r < kRows; ++r) {
        if (same_bits(product.run(r, 1, true, one, path), all.data() + r * product.y_stride)) continue;
        CAPTURE(name_of(path));
        CAPTURE(name_of(format));
        CAPTURE(r);
        CHECK(false);
      }
    }
  }
}

#if defined(__x86_64__)
TEST_CASE("int8 products have the same bits with every set of instructions that fuses multiply and add") {
  using Job = detail::MatmulJob<detail::Int8Rows, std::uint8_t>;
  using Kernel = void (*)(const Job&);
  std::vector<Kernel> kernels;
  std::vector<Isa> paths;
  for (const Isa path : available_isas()) {
    if (path == Isa::portable) continue;
    paths.push_back(path);
    if (path == Isa::avx2) kernels.push_back(detail::Avx2Path::run<Job>);
    if (path == Isa::avx512) kernels.push_back(detail::Avx512Path::run<Job>);
    if (path == Isa::avx512 && __builtin_cpu_supports("avx512vnni"))
      kernels.push_back(detail::Avx512VnniPath::run<Job>);
  }
  Threads threads(1);
  for (const Shape shape : {Shape{70, 1030}, {129, 64}, {1, 3}}) {
    const Product product(WeightFormat::int8, shape, threads);
    const PackedMatrix& weights = product.weights;
    for (const Index rows : kRowCounts) {
      CAPTURE(rows);
      for (const Isa path : paths)
        CHECK(product.run(0, rows, true, threads, path) == product.run(0, rows, true, threads, paths[0]));
      std::vector<std::int8_t> bytes(static_cast<std::size_t>(rows * weights.padded_in()));
      std::vector<float> scales(static_cast<std::size_t>(rows * weights.groups()));
      std::vector<std::int32_t> offsets(scales.size());
      for (Index r = 0; r < rows; ++r)
        detail::run_on(
            Isa::portable,
            detail::QuantizeJob{product.row(r), product.in, weights.groups(), bytes.data() + r * weights.padded_in(),
                                scales.data() + r * weights.groups(), offsets.data() + r * weights.groups()});
      std::vector<float> first;
      for (const Kernel kernel : kernels) {
        std::vector<float> y(static_cast<std::size_t>(rows * product.y_stride), kUntouched);
        kernel({&weights,
                product.bias.data(),
                {bytes.data(), scales.data(), offsets.data(), weights.groups()},
                rows,
                y.data(),
                product.y_stride,
                0,
                weights.panels()});
        if (first.empty()) first = y;
        CHECK(y == first);
      }
    }
  }
}
#endif

TEST_CASE("a product that one can see, in every format and on every path") {
  Threads threads(1);
  const float w[] = {127, 2, 3, 4, 5, -127}, x[] = {1, 10, 127, 0, 0, 127}, bias[] = {0.5f, -0.5f};
  for (const WeightFormat format : kProductFormats) {
    PackedMatrix weights(format, 2, 3);
    weights.pack(0, 2, Dtype::f32, std::as_bytes(std::span(w)), threads);
    for (const Isa path : available_isas()) {
      CAPTURE(name_of(path));
      CAPTURE(name_of(format));
      std::vector<float> y(4);
      matmul(view(x, 2, 3, 3), weights, bias, view(y.data(), 2, 2, 2), threads, path);
      CHECK(y == std::vector<float>{528.5f, -16075.5f, 381.5f, -16129.5f});
    }
  }
}

TEST_CASE("a row with an infinity or NaN gives no finite number, and leaves the rows beside it alone") {
  Threads threads(1);
  for (const WeightFormat format : kProductFormats) {
    Product product(format, {17, 130}, threads);
    for (const Isa path : available_isas()) {
      float& value = product.x[static_cast<std::size_t>(product.x_stride + 100)];
      for (const auto& given : {std::pair<Index, float>{3, std::numeric_limits<float>::infinity()},
                                {3, std::numeric_limits<float>::quiet_NaN()},
                                {30, std::numeric_limits<float>::quiet_NaN()}}) {
        const Index rows = given.first;
        const float bad = given.second;
        const auto before = product.run(0, rows, true, threads, path);
        const float good = std::exchange(value, bad);
        const auto y = product.run(0, rows, true, threads, path);
        value = good;
        CAPTURE(name_of(path));
        CAPTURE(name_of(format));
        CAPTURE(rows);
        CAPTURE(bad);
        for (std::size_t i = 0; i < y.size(); ++i) {
          const auto stride = static_cast<std::size_t>(product.y_stride);
          if (i / stride == 1 && i % stride < 17)
            CHECK_FALSE(std::isfinite(y[i]));
          else
            CHECK(y[i] == before[i]);
        }
      }
    }
  }
}

TEST_CASE("a product of no rows does nothing") {
  Threads threads(1);
  for (const WeightFormat format : kProductFormats) {
    const Product product(format, {20, 4}, threads);
    for (const Isa path : available_isas()) CHECK(product.run(0, 0, true, threads, path).empty());
  }
}

TEST_CASE("a product without inputs is the bias") {
  Threads threads(1);
  for (const WeightFormat format : kProductFormats) {
    const Product product(format, {20, 0}, threads);
    for (const Isa path : available_isas())
      for (const Index rows : {1, 30}) {
        CAPTURE(name_of(path));
        CAPTURE(name_of(format));
        const auto y = product.run(0, rows, true, threads, path);
        for (Index r = 0; r < rows; ++r)
          CHECK(std::equal(product.bias.begin(), product.bias.end(), y.begin() + r * product.y_stride));
      }
  }
}

TEST_CASE("in emulation, AMX is as near to the product of rounded rows as float sums are, and writes nothing else") {
  Threads threads(1);
  for (const Shape shape :
       {Shape{1, 70}, {16, 7}, {17, 33}, {32, 64}, {33, 1}, {48, 70}, {49, 7}, {64, 33}, {65, 96}, {80, 70}}) {
    const Product product(WeightFormat::bf16, shape, threads);
    const auto exact = product.exact(Rows::rounded_to_bf16);
    const Index padded = product.weights.padded_in(), panels = product.weights.panels();
    std::vector<float> batch;
    for (Index rows = kMostRows; rows >= 1; --rows)
      for (const bool with_bias : {true, false}) {
        // Whole tiles; what is in the rows behind the last one makes no difference.
        std::vector<BF16> rounded(static_cast<std::size_t>((rows + 15) / 16 * 16 * padded),
                                  std::numeric_limits<BF16>::quiet_NaN());
        const detail::RoundedTiles tiles{rounded.data(), padded};
        for (Index r = 0; r < rows; ++r)
          detail::run_on(Isa::portable,
                         detail::RoundJob{product.row(r), product.in, padded, tiles.row(r), detail::kAmxTile});
        // Panels one by one, in twos and all together, and none writes to those behind it.
        std::vector<float> y(static_cast<std::size_t>(rows * product.y_stride), kUntouched);
        const Index together = rows % panels + 1;
        bool ahead = false;
        for (Index first = 0; first < panels; first += together) {
          const Index last = std::min(panels, first + together);
          detail::MatmulJob<detail::RoundedTiles, BF16> job{&product.weights, nullptr,          tiles, rows,
                                                            y.data(),         product.y_stride, first, last};
          if (with_bias) job.bias = product.bias.data();
          detail::multiply_amx_panels<kvx_test::EmulatedTiles>(job);
          for (Index r = 0; r < rows; ++r)
            for (Index o = last * 16; o < product.out; ++o)
              ahead |= y[static_cast<std::size_t>(r * product.y_stride + o)] != kUntouched;
        }
        CAPTURE(rows);
        CAPTURE(product.out);
        CAPTURE(product.in);
        CHECK_FALSE(ahead);
        CHECK(product.near(y, with_bias, exact));
        if (!with_bias) continue;
        if (batch.empty()) batch = y;
        CHECK(same_bits(y, batch.data()));  // a row's sums do not depend on the rows beside it
      }
  }
}
