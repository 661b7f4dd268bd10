#include <kvx/press/qfilter.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("QFilter keeps the keys with the smallest product with the filter of their layer and head") {
  kvx_test::Layer layer(2, 2, 3, 2);
  layer.keys = {3, -9, /**/ -1, 0, /**/ 2, 9, /**/ 0, 4, /**/ 0, 5, /**/ 0, 3};
  QFilter policy{.file = "filters.safetensors"};
  policy.load([](const std::string& file, const std::string& tensor) {
    CHECK(file == "filters.safetensors");
    CHECK(tensor == "filters");
    Matrix<float> filters = Matrix<float>::Zero(4, 2);
    filters.bottomRows(2) << 1, 0, 0, 1;  // the filters of the second layer
    return filters;
  });
  PressInput in = layer.input();
  in.layer = 1;
  in.layers = 2;
  CHECK(Press<QFilter>(Allowance::of_tokens(1), policy).select(in) == Kept{{1}, {2}});
  in.layers = 3;
  CHECK(error_of([&] { Press<QFilter>(0.5, policy).select(in); }) ==
        "qfilter: filters.safetensors: filters: expected 6 x 2 for 3 layers, found 4 x 2");
  CHECK(error_of([] { QFilter().load({}); }) == "qfilter: file: expected the path of a file with filters, found none");
}
