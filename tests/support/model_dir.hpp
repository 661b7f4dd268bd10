#pragma once

#include "support/reference.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_random.hpp"

#include <kvx/io/mapped_file.hpp>

#include <filesystem>
#include <string>

namespace kvx_test {

/// A model directory that is examples/models/tiny but for what is changed: its files are links to that one's.
class ModelDir {
 public:
  ModelDir() {
    for (const char* name :
         {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"})
      link(name, kTinyModel + "/" + name);
  }

  const std::string& path() const { return dir_.path(); }

  void remove(const std::string& name) const { std::filesystem::remove(path() + "/" + name); }
  void write(const std::string& name, const std::string& text) const {
    remove(name);
    dir_.write(name, text);
  }
  void link(const std::string& name, const std::string& target) const {
    remove(name);
    std::filesystem::create_symlink(target, path() + "/" + name);
  }
  /// Adds members to the object that a JSON file holds. They come last, so they count before others of the same name.
  void put(const std::string& name, const std::string& members) const {
    std::string text = read(name);
    write(name, text.substr(0, text.rfind('}')) + "," + members + "}");
  }
  void replace(const std::string& name, const std::string& from, const std::string& to) const {
    std::string text = read(name);
    for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
      text.replace(at, from.size(), to);
    write(name, text);
  }
  /// Changes the tensors by f(RawTensors&).
  template <class F>
  void weights(F&& f) const {
    RawTensors raw = raw_tensors(kTinyModel);
    f(raw);
    write("model.safetensors", file_of(raw));
  }

 private:
  std::string read(const std::string& name) const { return std::string(kvx::MappedFile(path() + "/" + name).text()); }

  TempDir dir_;
};

}  // namespace kvx_test
