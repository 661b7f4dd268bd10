#include <kvx/io/tensor.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/safetensors_bytes.hpp"

using kvx::Tensor;

TEST_CASE("weights of every float type become floats, exactly") {
  const std::string f16 = bytes_of<std::uint16_t>({0x3c00, 0xc100, 0x7c00, 0x0001});
  const std::string bf16 = bytes_of<std::uint16_t>({0x3f80, 0x4049, 0xff80, 0x0001});
  const std::string f32 = bytes_of({1.f, -0.1f});
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  CHECK(kvx::to_floats({"F16", {4}, as_bytes(f16), "f"}) == std::vector{1.f, -2.5f, kInfinity, 0x1p-24f});
  CHECK(kvx::to_floats({"BF16", {2, 2}, as_bytes(bf16), "f"}) == std::vector{1.f, 3.140625f, -kInfinity, 0x1p-133f});
  CHECK(kvx::to_floats({"F32", {2}, as_bytes(f32), "f"}) == std::vector{1.f, -0.1f});
  CHECK(kvx::to_floats({"F32", {0}, {}, "f"}).empty());
  CHECK(kvx::float_dtype({"F16", {}, {}, "f"}) == kvx::Dtype::f16);
  CHECK(kvx::float_dtype({"BF16", {}, {}, "f"}) == kvx::Dtype::bf16);
}

TEST_CASE("a tensor of another element type than the requested one is an error") {
  const Tensor tensor{"I64", {0}, {}, "f: tensor a"};
  CHECK(error_of([&] { kvx::to_floats(tensor); }) == "f: tensor a: dtype: expected F32, F16 or BF16, found I64");
  CHECK(error_of([&] { kvx::values<float>(tensor); }) == "f: tensor a: dtype: expected F32, found I64");
  CHECK(error_of([&] { kvx::values<std::int32_t>(tensor); }) == "f: tensor a: dtype: expected I32, found I64");
  CHECK(error_of([&] { kvx::values<std::uint8_t>(tensor); }) == "f: tensor a: dtype: expected U8, found I64");
}
