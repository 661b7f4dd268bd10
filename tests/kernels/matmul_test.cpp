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
/// Fewer rows than a tile of each path, complete tiles, remainders, and from 24 on rows for which bf16 panels are
/// widened.
constexpr auto kRowCounts = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 24, 25, 40};
constexpr Index kMaxRows = 40;

/// The form in which a path multiplies the rows.
enum class RowForm { exact, rounded_to_bf16, quantized };
RowForm row_form(Isa path, WeightFormat format) {
  if (format == WeightFormat::int8) return RowForm::quantized;
  return format == WeightFormat::bf16 && rounds_rows(path) ? RowForm::rounded_to_bf16 : RowForm::exact;
}

/// An output in double. `magnitudes` is the sum of the magnitudes of all that is added up in float. `doubt` is the
/// change of the output if values halfway between two steps are rounded to the other step.
struct Exact {
  double sum = 0, magnitudes = 0, doubt = 0;
};

struct Shape {
  Index out, in;
};

/// A random product. The strides of x and y are larger than their rows.
struct Product {
  Index in, out, x_stride, y_stride;
  PackedMatrix weights;
  std::vector<float> x, bias;

  Product(WeightFormat format, Shape shape, Threads& threads, Index rows = kMaxRows)
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

  /// The product without the bias, [kMaxRows, out].
  std::vector<Exact> exact(RowForm form) const {
    std::vector<float> w(static_cast<std::size_t>(out * in));
    for (Index o = 0; o < out; ++o) weights.row(o, w.data() + o * in);
    const Index group = form == RowForm::quantized ? 64 : 1;  // inputs whose sum a path computes exactly
    std::vector<Exact> result;
    std::vector<std::pair<double, double>> inputs(static_cast<std::size_t>(in));  // values and their doubts
    for (Index r = 0; r < kMaxRows; ++r) {
      for (Index first = 0; first < in; first += group) convert(r, first, std::min(in, first + group), form, inputs);
      for (Index o = 0; o < out; ++o) {
        Exact& e = result.emplace_back();
        for (Index first = 0; first < in; first += group) {
          double sum = 0;
          for (Index k = first; k < std::min(in, first + group); ++k) {
            const double weight{w[static_cast<std::size_t>(o * in + k)]};
            const auto& [value, doubt] = inputs[static_cast<std::size_t>(k)];
            sum += value * weight;
            e.doubt += doubt * std::abs(weight);
          }
          e.sum += sum;
          e.magnitudes += std::abs(sum);
        }
      }
    }
    return result;
  }

  /// Converts inputs [first, last) of row r to the form in which a path multiplies them.
  void convert(Index r, Index first, Index last, RowForm form, std::vector<std::pair<double, double>>& to) const {
    float largest = 0;
    for (Index k = first; k < last; ++k) largest = std::max(largest, std::abs(row(r)[k]));
    const double step{largest / 127};
    for (Index k = first; k < last; ++k) {
      auto& [value, doubt] = to[static_cast<std::size_t>(k)];
      const float x_k = row(r)[k];
      value = double{form == RowForm::rounded_to_bf16 ? static_cast<float>(static_cast<BF16>(x_k)) : x_k};
      doubt = 0;
      if (form != RowForm::quantized) continue;
      const double steps = value * 127 / double{largest};
      value = std::nearbyint(steps) * step;
      // A path computes the steps in float, with three roundings.
      if (std::abs(std::abs(steps - std::floor(steps)) - 0.5) < 127 * 3 * 0x1p-24) doubt = step;
    }
  }

  /// Whether the rows of y differ from the exact ones only by rounding, and nothing is written between them. n
  /// roundings with unit roundoff u change a sum by at most n u / (1 - n u) times the sum of the magnitudes.
  bool near(const std::vector<float>& y, bool with_bias, const std::vector<Exact>& exact) const {
    // Each product (with int8 also that of two scales), each sum and the bias are rounded.
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
      const double bound = e.doubt + roundings / (1 - roundings) * (e.magnitudes + e.doubt + std::abs(added));
      if (!(std::abs(double{y[i]} - e.sum - added) <= bound)) return false;
    }
    return true;
  }
};

bool same_bits(const std::vector<float>& part, const float* whole) {
  return std::memcmp(part.data(), whole, part.size() * sizeof(float)) == 0;
}
}  // namespace

TEST_CASE("the product on every path is exact except for rounding in float, and nothing else is written") {
  Threads threads(2);
  const auto check = [&](WeightFormat format, Shape shape) {
    const Product product(format, shape, threads);
    std::array<std::vector<Exact>, 3> exact;
    for (const Isa path : available_isas()) {
      auto& expected = exact[static_cast<std::size_t>(row_form(path, format))];
      if (expected.empty()) expected = product.exact(row_form(path, format));
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
    for (const Index in : {256, 512, 515, 1030})  // complete blocks of widened panels, and remainders
      for (const Index out : {1, 70}) check(format, {out, in});
  }
}

TEST_CASE("a row has the same bits in a batch of any size, with any number of threads") {
  Threads one(1), three(3);
  for (const WeightFormat format : kProductFormats)
    for (const Shape shape : {Shape{17, 70}, {70, 1030}, {2000, 70}}) {  // the last one is large enough for threads
      const Product product(format, shape, one);
      for (const Isa path : available_isas()) {
        const auto batch = product.run(0, kMaxRows, true, three, path);
        CHECK(batch == product.run(0, kMaxRows, true, one, path));
        for (const Index rows : kRowCounts)
          for (Index first = 0; first + rows <= kMaxRows; first += rows) {
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

TEST_CASE("a row has the same bits in a product with more rows than are multiplied at a time") {
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
TEST_CASE("int8 products have the same bits on every path with fused multiply-add instructions") {
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

TEST_CASE("a small product is exact in every format and on every path") {
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

TEST_CASE("a row with an infinity or NaN gives no finite number, and does not change the other rows") {
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

TEST_CASE("emulated AMX multiplies rounded rows exactly except for rounding in float, and writes nothing else") {
  Threads threads(1);
  for (const Shape shape :
       {Shape{1, 70}, {16, 7}, {17, 33}, {32, 64}, {33, 1}, {48, 70}, {49, 7}, {64, 33}, {65, 96}, {80, 70}}) {
    const Product product(WeightFormat::bf16, shape, threads);
    const auto exact = product.exact(RowForm::rounded_to_bf16);
    const Index padded = product.weights.padded_in(), panels = product.weights.panels();
    std::vector<float> batch;
    for (Index rows = kMaxRows; rows >= 1; --rows)
      for (const bool with_bias : {true, false}) {
        // Complete tiles. The contents of rows after the last one make no difference.
        std::vector<BF16> rounded(static_cast<std::size_t>((rows + 15) / 16 * 16 * padded),
                                  std::numeric_limits<BF16>::quiet_NaN());
        const detail::RoundedTiles tiles{rounded.data(), padded};
        for (Index r = 0; r < rows; ++r)
          detail::run_on(Isa::portable,
                         detail::RoundJob{product.row(r), product.in, padded, tiles.row(r), detail::kAmxTile});
        // Multiplies panels one by one, in pairs and all at once; none may write to the panels after it.
        std::vector<float> y(static_cast<std::size_t>(rows * product.y_stride), kUntouched);
        const Index panels_at_a_time = rows % panels + 1;
        bool ahead = false;
        for (Index first = 0; first < panels; first += panels_at_a_time) {
          const Index last = std::min(panels, first + panels_at_a_time);
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
        CHECK(same_bits(y, batch.data()));  // a row's sums do not depend on the other rows
      }
  }
}
