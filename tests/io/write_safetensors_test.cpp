#include <kvx/io/read_matrix.hpp>
#include <kvx/io/safetensors.hpp>
#include <kvx/io/write_safetensors.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/safetensors_bytes.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

TEST_CASE("Written tensors are read back") {
  const std::vector<float> values = {1, -2.5f, 1e-30f, 4, 5, INFINITY};
  const std::vector<FloatTensor> tensors = {{"b \"of\" two", {1, 3, 2}, values}, {"a", {}, {values.data() + 3, 1}}};
  const std::string bytes = write_safetensors(tensors);
  const Safetensors file = Safetensors::parse(as_bytes(bytes), "file");
  REQUIRE(file.size() == 2);
  for (const FloatTensor& tensor : tensors) {
    const Tensor& found = file.at(tensor.name);
    CHECK(found.shape == tensor.shape);
    CHECK(kvx::values<float>(found) == std::vector(tensor.values.begin(), tensor.values.end()));
    CHECK((reinterpret_cast<const char*>(found.bytes.data()) - bytes.data()) % 4 == 0);
  }
  const TempDir dir;
  const std::string path = dir.write("file", bytes);
  CHECK(read_matrix(path, "a")(0, 0) == 4);
  CHECK(error_of([&] { (void)read_matrix(path, "b \"of\" two"); }) ==
        path + ": tensor b \"of\" two: element 5: expected a finite number, found inf");
  const std::vector<float> finite = {1, 2, 3, 4, 5, 6};
  const std::vector<FloatTensor> all = {{"c", {1, 3, 2}, finite}};
  const Matrix<float> matrix = read_matrix(dir.write("finite", write_safetensors(all)), "c");
  CHECK(matrix.rows() == 3);
  CHECK(matrix(2, 0) == 5);
}

TEST_CASE("A file without tensors is valid") {
  const std::string bytes = write_safetensors({});
  CHECK(bytes == safetensors_bytes("{}      ", ""));
  CHECK(Safetensors::parse(as_bytes(bytes), "file").size() == 0);
}
