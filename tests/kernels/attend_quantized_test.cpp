#include <kvx/kernels/attend_quantized.hpp>

#include "support/exact_attention.hpp"
#include "support/random_floats.hpp"
#include "support/rounding.hpp"

#include <doctest/doctest.h>
#include <kvx/cache/quantized_rows.hpp>
#include <kvx/kernels/rope.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

using namespace kvx;
using kvx_test::random_floats;
using Axis = Quantization::Axis;

namespace {

constexpr float kScale = 0.3f;

Matrix<float> random_rows(Index rows, Index dim, float factor, std::uint64_t seed) {
  Matrix<float> all(rows, dim);
  const auto random = random_floats(static_cast<std::size_t>(all.size()), seed);
  std::transform(random.begin(), random.end(), all.data(), [&](float x) { return factor * x; });
  return all;
}

/// A quantized cache: `rows` rows whose keys and first values are quantized, followed by `full` rows in full precision.
template <class T>
struct QuantizedCase {
  QuantizedCase(Index rows, Index quantized_values, Index full, Index head_dim, int bits, Index group,
                std::vector<Index> seen_rows, Axis axis = Axis::per_channel, float bias_factor = 0)
      : dim(head_dim),
        keys(QuantizedRows::Content::keys, {axis, bits, group}, dim),
        values(QuantizedRows::Content::values, {Axis::per_token, bits, group}, dim),
        full_keys(random_rows(full, dim, 3, 11).template cast<T>()),
        full_values(random_rows(rows - quantized_values + full, dim, 1, 12).template cast<T>()),
        expanded_keys(rows + full, dim),
        expanded_values(rows + full, dim),
        seen(std::move(seen_rows)),
        query(random_rows(static_cast<Index>(seen.size()), dim, 1, 13)),
        out(query.rows(), dim) {
    const auto old_keys = random_rows(rows, dim, 3, 14), old_values = random_rows(quantized_values, dim, 1, 15);
    keys.append(view(old_keys));
    values.append(view(old_values));
    keys.dequantize(0, rows, expanded_keys.data());
    if (bias_factor > 0) {
      const Matrix<float> numbers = random_rows(1, dim, bias_factor, 16);
      bias.assign(numbers.data(), numbers.data() + dim);
      inv_freq = rope_inv_freq(dim, 1e4);
      for (Index j = 0; j < rows; ++j) positions.push_back(static_cast<Position>(j < 40 ? j : 3 * j));
      const RopeTable table(inv_freq, positions);
      for (Index j = 0; j < rows; ++j) {
        Matrix<float> row = numbers;
        table.rotate(j, row.data());
        expanded_keys.row(j) += row;
      }
    }
    values.dequantize(0, quantized_values, expanded_values.data());
    expanded_keys.bottomRows(full) = full_keys.template cast<float>();
    expanded_values.bottomRows(full_values.rows()) = full_values.template cast<float>();
    reset();
  }
  /// Evicts all quantized rows, keys and values, except for `kept`.
  void keep(const std::vector<Index>& kept) {
    const auto gather = [&](Matrix<float>& rows, Index full) {
      Matrix<float> remaining(std::ssize(kept) + full, dim);
      for (std::size_t j = 0; j < kept.size(); ++j) remaining.row(static_cast<Index>(j)) = rows.row(kept[j]);
      remaining.bottomRows(full) = Matrix<float>(rows.bottomRows(full));
      rows = remaining;
    };
    gather(expanded_keys, full_keys.rows());
    gather(expanded_values, full_values.rows());
    if (!positions.empty()) {
      const std::vector<Position> all = std::exchange(positions, {});
      for (const Index j : kept) positions.push_back(all[static_cast<std::size_t>(j)]);
    }
    keys = keys.compacted(kept);
    values = values.compacted(kept);
  }
  void reset() {
    out.setZero();
    queries.clear();
    for (std::size_t i = 0; i < seen.size(); ++i)
      queries.push_back({query.row(static_cast<Index>(i)).data(), out.row(static_cast<Index>(i)).data(), seen[i]});
  }
  /// Attends to the quantized rows, then to the others.
  void run(std::span<AttentionQuery> batch, Isa path) {
    attend_quantized<T>(batch, keys.view(), values.view(), newer_values(), kScale, {bias, inv_freq}, positions, path);
    for (AttentionQuery& attending : batch) attending.seen -= keys.rows();
    attend<T>(batch, view(std::as_const(full_keys)),
              rows_of(newer_values(), full_values.rows() - full_keys.rows(), full_keys.rows()), kScale, path);
  }
  /// The exact attention of query i over the dequantized rows.
  kvx_test::ExactAttention exact(Index i, Isa path) const {
    const auto rows = std::min<Index>(seen[static_cast<std::size_t>(i)], expanded_keys.rows());
    return {query.row(i).template cast<double>(),
            expanded_keys.topRows(rows).template cast<double>(),
            expanded_values.topRows(rows).template cast<double>(),
            double{kScale},
            path,
            kvx_test::quantized_units(expanded_keys.template cast<double>(), bias),
            kvx_test::quantized_units(expanded_values.template cast<double>())};
  }
  MatrixView<const T> newer_values() const { return view(full_values); }

  Index dim;
  QuantizedRows keys, values;
  Matrix<T> full_keys, full_values;
  Matrix<float> expanded_keys, expanded_values;  // all rows, dequantized
  std::vector<float> bias, inv_freq;
  std::vector<Position> positions;  // of the quantized rows
  std::vector<Index> seen;
  Matrix<float> query, out;
  std::vector<AttentionQuery> queries;
};

template <class T>
void check(Isa path, QuantizedCase<T> c) {
  CAPTURE(name_of(path));
  CAPTURE(c.keys.quantization().bits);
  CAPTURE(c.keys.quantization().group);
  CAPTURE(c.keys.rows());
  CAPTURE(c.dim);
  c.reset();
  c.run(c.queries, path);
  finish_attention(c.queries, c.dim);
  const Matrix<float> batch_out = c.out;
  for (Index i = 0; i < batch_out.rows(); ++i) CHECK(c.exact(i, path).near(batch_out.row(i)));

  c.reset();
  for (AttentionQuery& query : c.queries) c.run({&query, 1}, path);
  finish_attention(c.queries, c.dim);
  CHECK(c.out == batch_out);
}

const std::vector<Index> kGroupOfQueries(7, 1000);

}  // namespace

TEST_CASE("Attention over quantized rows is that over dequantized rows, and a query does not depend on others") {
  for (const Isa path : available_isas())
    for (const int bits : {2, 4, 8}) {
      check<float>(path, {128, 128, 0, 64, bits, 32, kGroupOfQueries});
      check<float>(path, {128, 128, 50, 64, bits, 32, kGroupOfQueries});
      check<float>(path, {208, 208, 7, 24, bits, 16, {1, 2, 63, 64, 65, 200, 208, 209, 215, 5}});
      check<float>(path, {96, 96, 3, 7, bits, 96, {99, 40}});
      check<float>(path, {16, 16, 0, 1, bits, 16, {16}});
      check<BF16>(path, {192, 192, 65, 80, bits, 48, kGroupOfQueries});
    }
}

TEST_CASE("Keys that are quantized per token need no complete groups or panels of rows") {
  for (const Isa path : available_isas())
    for (const int bits : {2, 4, 8}) {
      check<float>(path, {128, 128, 50, 64, bits, 32, kGroupOfQueries, Axis::per_token});
      check<float>(path, {201, 201, 7, 24, bits, 16, {1, 2, 63, 64, 65, 200, 208, 5}, Axis::per_token});
      check<float>(path, {1, 1, 3, 7, bits, 96, {4, 1}, Axis::per_token});
      check<BF16>(path, {83, 83, 65, 80, bits, 48, kGroupOfQueries, Axis::per_token});
    }
}

TEST_CASE("A bias is rotated to the position of each quantized key and added to it") {
  for (const Isa path : available_isas())
    for (const auto& [axis, rows] : {std::pair<Axis, Index>{Axis::per_channel, 208}, {Axis::per_token, 203}}) {
      check<float>(path, {rows, 190, 50, 64, 4, 16, kGroupOfQueries, axis, 3});
      check<float>(path, {rows, rows, 0, 10, 8, 16, {1, 17, 100, 300}, axis, 5});
      check<BF16>(path, {rows, rows, 3, 72, 2, 16, kGroupOfQueries, axis, 1});
    }
}

TEST_CASE("Keys of groups that have lost rows are dequantized with their own groups' scales") {
  std::vector<Index> one_of_three, one_of_group, uneven;
  for (Index j = 0; j < 208; ++j) {
    if (j % 3 == 1) one_of_three.push_back(j);
    if (j % 16 == 5) one_of_group.push_back(j);
    if (j < 40 || (j > 100 && j % 7 != 0)) uneven.push_back(j);
  }
  for (const Isa path : available_isas())
    for (const int bits : {2, 4, 8})
      for (const auto& kept : {one_of_three, one_of_group, uneven}) {
        QuantizedCase<float> wide(208, 208, 50, 64, bits, 16, kGroupOfQueries);
        wide.keep(kept);
        check<float>(path, std::move(wide));
        QuantizedCase<BF16> narrow(208, 208, 3, 24, bits, 16, {1, 2, 12, 13, 14, 60, 300}, Axis::per_channel, 3);
        narrow.keep(kept);
        check<BF16>(path, std::move(narrow));
      }
}

TEST_CASE("Values that are not quantized yet are used, wherever in a block they begin") {
  for (const Isa path : available_isas())
    for (const Index quantized : {0, 1, 63, 64, 65, 130, 191}) {
      CAPTURE(quantized);
      check<float>(path, {192, quantized, 5, 64, 4, 32, kGroupOfQueries});
      check<BF16>(path, {192, quantized, 0, 36, 8, 32, {192, 64, 65, 130, 1}});
    }
}

TEST_CASE("Scales and zeros that are subnormal F16 numbers are read correctly") {
  for (const Isa path : available_isas()) {
    QuantizedRows keys(QuantizedRows::Content::keys, {Axis::per_channel, 8, 16}, 16),
        values(QuantizedRows::Content::values, {Axis::per_token, 8, 16}, 16);
    const Matrix<float> none = Matrix<float>::Zero(16, 16), tiny = random_rows(16, 16, 0x1p-17f, 3);
    keys.append(view(none));
    values.append(view(tiny));
    std::vector<float> query(16, 1.0f), out(16), expanded(256);
    values.dequantize(0, 16, expanded.data());
    std::vector<AttentionQuery> queries = {{query.data(), out.data(), 16}};
    attend_quantized<float>(queries, keys.view(), values.view(), view<const float>(nullptr, 0, 16, 16), 1.0f, {}, {},
                            path);
    finish_attention(queries, 16);
    for (Index d = 0; d < 16; ++d) {
      const float mean = view(expanded.data(), 16, 16, 16).col(d).mean();
      CHECK(mean != 0);
      // 16 equal weights. Roundings: a code times its scale, the sum with the zero, 16 products and sums, two for the
      // mean, and as many for the dequantized rows and their mean.
      const double reach = 2 * double{view(expanded.data(), 16, 16, 16).col(d).cwiseAbs().maxCoeff()};
      CHECK(std::abs(double{out[static_cast<std::size_t>(d)] - mean}) <=
            kvx_test::rounding_error(2 * (2 + 16 + 2), reach));
    }
  }
}

TEST_CASE("Attention over no quantized rows changes nothing") {
  const QuantizedRows keys(QuantizedRows::Content::keys, {Axis::per_channel, 4, 16}, 8),
      values(QuantizedRows::Content::values, {Axis::per_token, 4, 16}, 8);
  std::vector<float> query(8, 1.0f), out(8, 2.0f);
  std::vector<AttentionQuery> queries = {{query.data(), out.data(), 5}};
  attend_quantized<float>(queries, keys.view(), values.view(), view<const float>(nullptr, 0, 8, 8), 1.0f);
  CHECK(out == std::vector<float>(8, 2.0f));
  CHECK(queries[0].total == 0);
}
