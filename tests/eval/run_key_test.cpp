#include <kvx/eval/run/run_key.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "support/temp_dir.hpp"

using namespace kvx;

namespace {

/// The files of a model directory on which answers may depend.
const std::vector<std::string> kFiles = {"config.json",
                                         "generation_config.json",
                                         "tokenizer.json",
                                         "chat_template.jinja",
                                         "tokenizer_config.json",
                                         "model.safetensors",
                                         "model.safetensors.index.json",
                                         "model-00001-of-00002.safetensors"};

/// 29 bytes that differ for each name: three words, and bytes that fill no word.
std::string content(const std::string& name) { return (name + std::string(29, '.')).substr(0, 29); }

void fill(const TempDir& dir) {
  for (const auto& name : kFiles) dir.write(name, content(name));
}

}  // namespace

TEST_CASE("A model's hash depends on its files, not on where and when they were written") {
  const TempDir one, other;
  fill(one);
  for (auto name = kFiles.rbegin(); name != kFiles.rend(); ++name) other.write(*name, content(*name));
  const std::uint64_t hash = hash_model(one.path());
  CHECK(hash_model(other.path()) == hash);
  fill(one);
  CHECK(hash_model(one.path()) == hash);
  for (const std::string name : {"README.md", "LICENSE", "notes.txt", "onnx/config.json"}) one.write(name, "other");
  CHECK(hash_model(one.path()) == hash);
  std::filesystem::remove(other.path() + "/config.json");
  std::filesystem::create_symlink(one.path() + "/config.json", other.path() + "/config.json");
  CHECK(hash_model(other.path()) == hash);  // as in the Hugging Face cache
}

TEST_CASE("Any change of a byte, a name or a file changes a model's hash") {
  const TempDir dir;
  fill(dir);
  std::set<std::uint64_t> hashes = {hash_model(dir.path())};
  for (const auto& name : kFiles) {
    CAPTURE(name);
    const std::string text = content(name);
    for (std::size_t at = 0; at < text.size(); ++at)
      for (const int bit : {0, 7}) {
        std::string changed = text;
        changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
        dir.write(name, changed);
        CHECK(hashes.insert(hash_model(dir.path())).second);
      }
    for (const std::string& changed : {text.substr(1), text.substr(0, 28), text + '\0', std::string()}) {
      dir.write(name, changed);
      CHECK(hashes.insert(hash_model(dir.path())).second);
    }
    std::filesystem::remove(dir.path() + "/" + name);
    CHECK(hashes.insert(hash_model(dir.path())).second);
    dir.write(name, text);
  }
  dir.write("added.json", "");
  CHECK(hashes.insert(hash_model(dir.path())).second);
}

TEST_CASE("A run's key is 16 hex digits that change with every part of the run") {
  const std::string data(37, 'd'), settings = "template= max_new_tokens=0";
  const auto key = run_key(1, data, settings, WeightFormat::bf16, Dtype::bf16);
  CHECK(key.size() == 16);
  CHECK(key.find_first_not_of("0123456789abcdef") == key.npos);
  CHECK(run_key(1, data, settings, WeightFormat::bf16, Dtype::bf16) == key);
  CHECK(run_key(0, "", "", WeightFormat::f32, Dtype::f32).size() == 16);

  std::set<std::string> keys = {key};
  CHECK(keys.insert(run_key(2, data, settings, WeightFormat::bf16, Dtype::bf16)).second);
  CHECK(keys.insert(run_key(1, data, settings, WeightFormat::f32, Dtype::f32)).second);
  for (std::size_t at = 0; at < data.size(); ++at) {
    std::string changed = data;
    changed[at] = 'e';
    CHECK(keys.insert(run_key(1, changed, settings, WeightFormat::bf16, Dtype::bf16)).second);
  }
  for (const auto& changed : {data + 'd', data + "ddddddd", data + '\0', data.substr(1), std::string()})
    CHECK(keys.insert(run_key(1, changed, settings, WeightFormat::bf16, Dtype::bf16)).second);
  for (std::size_t at = 0; at < settings.size(); ++at) {
    std::string changed = settings;
    changed[at] = '#';
    CHECK(keys.insert(run_key(1, data, changed, WeightFormat::bf16, Dtype::bf16)).second);
  }
  CHECK(keys.insert(run_key(1, data, settings + "0", WeightFormat::bf16, Dtype::bf16)).second);
  CHECK(keys.insert(run_key(1, data, "", WeightFormat::bf16, Dtype::bf16)).second);
}

TEST_CASE("A byte that moves from the data to the settings changes the key") {
  CHECK(run_key(1, "data", "settings", WeightFormat::f32, Dtype::f32) !=
        run_key(1, "datas", "ettings", WeightFormat::f32, Dtype::f32));
}
