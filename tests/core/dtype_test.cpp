#include <kvx/core/dtype.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>

using namespace kvx;

TEST_CASE("each dtype has a name and a size, and visit calls its function with a value of that type") {
  const auto check = [](Dtype dtype, const char* name, std::size_t size) {
    CHECK(name_of(dtype) == name);
    CHECK(size_of(dtype) == size);
    CHECK(visit(dtype, []<class T>(T) { return dtype_of<T>; }) == dtype);
    CHECK(visit(dtype, []<class T>(T) { return sizeof(T); }) == size);
  };
  check(Dtype::f32, "f32", 4);
  check(Dtype::f16, "f16", 2);
  check(Dtype::bf16, "bf16", 2);
}

TEST_CASE("bf16 has 8 significant bits and rounds to the nearest, ties to even") {
  CHECK(static_cast<float>(BF16(1.0f + 0x1p-7f)) == 1.0f + 0x1p-7f);
  CHECK(static_cast<float>(BF16(1.0f + 0x1p-8f)) == 1.0f);
  CHECK(static_cast<float>(BF16(1.0f + 0x3p-8f)) == 1.0f + 0x2p-7f);
  CHECK(static_cast<float>(BF16(1.0f + 0x1p-8f + 0x1p-20f)) == 1.0f + 0x1p-7f);
  CHECK(static_cast<float>(BF16(-INFINITY)) == -INFINITY);
  CHECK(std::isnan(static_cast<float>(BF16(NAN))));
}
