#include <kvx/io/safetensors.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "support/error_of.hpp"
#include "support/safetensors_bytes.hpp"
#include "support/temp_dir.hpp"

using kvx::Safetensors;

namespace {

/// The error for a file "f" with this header and `data` bytes of data; "" if there is none.
std::string header_error(std::string_view header, std::size_t data) {
  const std::string file = safetensors_bytes(header, std::string(data, '\0'));
  return error_of([&] { Safetensors::parse(as_bytes(file), "f"); });
}

/// The error for a file with one tensor "a", whose header entry has these fields.
std::string tensor_error(const std::string& fields, std::size_t data) {
  return header_error("{\"a\":{" + fields + "}}", data);
}

}  // namespace

TEST_CASE("tensors of every kind are read at any alignment") {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[5,13]},)"
      R"("u":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"none":{"dtype":"I64","shape":[0,7],"data_offsets":[5,5]},)"
      R"("h":{"dtype":"F16","shape":[2],"data_offsets":[13,17]},"b":{"dtype":"BF16","shape":[],"data_offsets":[17,19]},)"
      R"("i":{"dtype":"I32","shape":[1],"data_offsets":[19,23]},"f4":{"dtype":"F4","shape":[2],"data_offsets":[23,24]}} )";
  const std::string data = "\1\2\3\4\xff" + bytes_of({1.5f, -2.f}) + bytes_of<std::uint16_t>({0x3c00, 0xc100}) +
                           bytes_of<std::uint16_t>({0x4049}) + bytes_of({-7}) + "\x5a";
  for (std::string before : {"", "x", "xy", "xyz"}) {  // shifts the file, to test every alignment
    const std::string file = before + safetensors_bytes(header, data);
    const auto tensors = Safetensors::parse(as_bytes(file).subspan(before.size()), "f");
    CHECK(tensors.size() == 7);
    CHECK(tensors.at("w").shape == std::vector<kvx::Index>{2, 1});
    CHECK(kvx::to_floats(tensors.at("w")) == std::vector{1.5f, -2.f});
    CHECK(kvx::values<float>(tensors.at("w")) == std::vector{1.5f, -2.f});
    CHECK(kvx::to_floats(tensors.at("h")) == std::vector{1.f, -2.5f});
    CHECK(kvx::to_floats(tensors.at("b")) == std::vector{3.140625f});
    CHECK(tensors.at("b").shape.empty());
    CHECK(kvx::values<std::uint8_t>(tensors.at("u")) == std::vector<std::uint8_t>{1, 2, 3, 4, 255});
    CHECK(kvx::values<std::int32_t>(tensors.at("i")) == std::vector<std::int32_t>{-7});
    CHECK(tensors.at("none").bytes.empty());
    CHECK(tensors.at("f4").dtype == "F4");
  }
  const std::string file = safetensors_bytes(header, data);
  const auto tensors = Safetensors::parse(as_bytes(file), "f");
  std::string names;
  for (const auto& [name, tensor] : tensors) names += name + " ";
  CHECK(names == "b f4 h i none u w ");
  CHECK(tensors.find("x") == nullptr);
  CHECK(error_of([&] { tensors.at("x\n"); }) == "f: missing tensor x?");
}

TEST_CASE("a wrong header length is an error") {
  const auto error = [](const std::string& file) { return error_of([&] { Safetensors::parse(as_bytes(file), "f"); }); };
  CHECK(error("") == "f: expected a header length of 8 bytes, found 0 bytes");
  CHECK(error("1234567") == "f: expected a header length of 8 bytes, found 7 bytes");
  const std::string file = safetensors_bytes("{}", "");
  CHECK(error(file) == "");
  for (std::size_t cut = 0; cut < file.size(); ++cut) CHECK(error(file.substr(0, cut)) != "");
  CHECK(error(std::string(8, '\xff') + "{}") == "f: header length: expected at most 2, found 18446744073709551615");
  CHECK(error(bytes_of<std::uint64_t>({100'000'001}) + std::string(100'000'001, ' ')) ==
        "f: header length: expected at most 100000000, found 100000001");
}

TEST_CASE("a header that is not an object of tensors is an error") {
  CHECK(header_error("", 0).starts_with("f: header: not valid JSON"));
  CHECK(header_error("{\"a\xff\":1}", 0).starts_with("f: header: not valid JSON"));
  CHECK(header_error("[1]", 0) == "f: header: expected an object, found [1]");
  CHECK(header_error("{\"a\": 1}", 0) == "f: tensor a: expected an object, found 1");
  CHECK(header_error("{\"__metadata__\": {\"k\": 1}}", 0) ==
        "f: header: field __metadata__.k: expected a string, found 1");
  CHECK(tensor_error("", 0) == "f: tensor a: missing field dtype");
  const std::string twice = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  CHECK(header_error("{\"a\":" + twice + ",\"a\":" + twice + "}", 0) == "f: tensor a: expected once, found twice");
}

TEST_CASE("wrong dtype, shape or data_offsets are errors that name tensor, expected and found") {
  CHECK(tensor_error(R"("dtype":"F31","shape":[1],"data_offsets":[0,4])", 4) ==
        "f: tensor a: field dtype: expected one of BOOL U8 I8 U16 I16 U32 I32 U64 I64 F64 F32 F16 BF16 C64 F8_E4M3 "
        "F8_E5M2 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ F6_E2M3 F6_E3M2 F4, found \"F31\"");
  const auto shape = [](const std::string& text) {
    return tensor_error(R"("dtype":"F32","data_offsets":[0,4],"shape":)" + text, 4);
  };
  CHECK(shape("[1,1]") == "");
  CHECK(shape("4") == "f: tensor a: field shape: expected an array, found 4");
  CHECK(shape("[1,-1]") == "f: tensor a: field shape[1]: expected an integer of at least 0, found -1");
  CHECK(shape("[1.5]") == "f: tensor a: field shape[0]: expected an integer, found 1.5");
  CHECK(shape("[18446744073709551615]") ==
        "f: tensor a: field shape[0]: expected an integer, found 18446744073709551615");
  CHECK(shape("[2305843009213693952,2305843009213693952]") ==
        "f: tensor a: field shape[0]: expected less than 2^64 bits in all, found 2305843009213693952");
  CHECK(shape("[4294967296,4294967297]") ==
        "f: tensor a: field shape[1]: expected less than 2^64 bits in all, found 4294967297");
  CHECK(shape("[3]") ==
        "f: tensor a: field data_offsets: expected 96 bits between them, as dtype and shape say, found [0,4]");
  CHECK(tensor_error(R"("dtype":"F4","shape":[1],"data_offsets":[0,0])", 0) ==
        "f: tensor a: field data_offsets: expected 4 bits between them, as dtype and shape say, found [0,0]");
  const auto offsets = [](const std::string& text) {
    return tensor_error(R"("dtype":"U8","shape":[4],"data_offsets":)" + text, 4);
  };
  CHECK(offsets("[0,4]") == "");
  for (const std::string text : {"[4,0]", "[1,5]", "[0]", "[0,4,4]", "[]", "[0,9223372036854775807]"}) {
    CHECK(offsets(text) ==
          "f: tensor a: field data_offsets: expected [begin, end] with begin <= end <= 4, found " + text);
  }
  CHECK(offsets("[-4,0]") == "f: tensor a: field data_offsets[0]: expected an integer of at least 0, found -4");
}

TEST_CASE("tensors that overlap or leave a gap are errors") {
  const auto two = [](const std::string& first, const std::string& second, std::size_t data) {
    return header_error(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + first +
                            R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + second + "}}",
                        data);
  };
  CHECK(two("[0,2]", "[2,4]", 4) == "");
  CHECK(two("[2,4]", "[0,2]", 4) == "");
  CHECK(two("[0,2]", "[1,3]", 3) ==
        "f: tensor b: field data_offsets: expected begin 2, where the tensor before it ends, found 1");
  CHECK(two("[0,2]", "[0,2]", 2) ==
        "f: tensor b: field data_offsets: expected begin 2, where the tensor before it ends, found 0");
  CHECK(two("[3,5]", "[0,2]", 5) ==
        "f: tensor a: field data_offsets: expected begin 2, where the tensor before it ends, found 3");
  CHECK(two("[0,2]", "[2,4]", 5) == "f: expected 4 bytes of data after the header, found 5");
  CHECK(header_error("{}", 1) == "f: expected 0 bytes of data after the header, found 1");
}

TEST_CASE("a model directory is one file or shards with an index") {
  const TempDir dir;
  const std::string index = "model.safetensors.index.json";
  const auto open = [&] { return Safetensors::open_model(dir.path()); };
  CHECK(error_of(open) == dir.path() + ": expected model.safetensors or model.safetensors.index.json, found neither");

  const auto one = [](const std::string& name, float value) {
    return safetensors_bytes("{\"" + name + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                             bytes_of({value}));
  };
  dir.write("1.safetensors", one("a", 1));
  dir.write("2.safetensors", one("b", 2));
  dir.write(index, R"({"metadata":{"total_size":8},"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})");
  {
    const Safetensors model = open();
    CHECK(model.size() == 2);
    CHECK(kvx::to_floats(model.at("a")) == std::vector{1.f});
    CHECK(kvx::to_floats(model.at("b")) == std::vector{2.f});
    CHECK(model.at("b").where == dir.path() + "/2.safetensors: tensor b");
    model.drop_pages(model.at("b").bytes);
    CHECK(kvx::to_floats(model.at("b")) == std::vector{2.f});
  }
  const std::string where = dir.path() + "/" + index + ": ";
  const auto with_map = [&](const std::string& map) {
    dir.write(index, "{\"weight_map\":" + map + "}");
    return error_of(open);
  };
  CHECK(with_map(R"({"a":"2.safetensors"})") ==
        where + "field weight_map.a: expected a tensor of this name in 2.safetensors, found none");
  CHECK(with_map(R"({"a":"1.safetensors","a":"1.safetensors"})") ==
        where + "field weight_map.a: expected one entry per tensor, found two");
  CHECK(with_map(R"({"a":"3.safetensors"})").starts_with(dir.path() + "/3.safetensors: cannot open"));
  CHECK(with_map("[]") == where + "field weight_map: expected an object, found []");
  for (const std::string name : {"../1.safetensors", "/1.safetensors", "..", "", "x/y", "1\\u0000"}) {
    CHECK(with_map("{\"a\":\"" + name + "\"}") ==
          where + "field weight_map.a: expected the name of a file in the same folder, found \"" + name + "\"");
  }

  dir.write("model.safetensors", one("c", 3));
  CHECK(open().find("c") != nullptr);
}

TEST_CASE("the tiny model's weights are read") {
  const auto model = Safetensors::open_model(KVX_SOURCE_DIR "/examples/models/tiny");
  CHECK(model.size() == 50);
  CHECK(model.at("model.embed_tokens.weight").shape == std::vector<kvx::Index>{1024, 128});
  const auto norm = kvx::to_floats(model.at("model.norm.weight"));
  REQUIRE(norm.size() == 128);
  CHECK(norm[1] == 1.78125f);
  CHECK(std::accumulate(norm.begin(), norm.end(), 0.0) == doctest::Approx(227.2578125));
}

TEST_CASE("every safetensors file of the reference data is read completely") {
  std::vector<std::string> roots{KVX_SOURCE_DIR "/tests/data", KVX_SOURCE_DIR "/examples/models"};
  if (const char* shared = std::getenv("KVX_SHARED")) roots.emplace_back(shared);
  int cases = 0, failed = 0;
  for (const std::string& root : roots) {
    std::error_code code;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root, code)) {
      if (entry.path().extension() != ".safetensors") continue;
      ++cases;
      const std::string error = error_of([&] {
        const auto file = Safetensors::open(entry.path().string());
        for (const auto& [name, tensor] : file) {
          if (tensor.dtype == "U8")
            kvx::values<std::uint8_t>(tensor);
          else if (tensor.dtype == "I32")
            kvx::values<std::int32_t>(tensor);
          else
            kvx::to_floats(tensor);
          file.drop_pages(tensor.bytes);
        }
      });
      CHECK(error == "");
      failed += error != "";
    }
  }
  std::cout << "safetensors: " << cases << " cases, " << failed << " failed, 0 not applicable\n";
}
