#pragma once

#include "support/reference.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_random.hpp"

#include <kvx/io/mapped_file.hpp>

#include <filesystem>
#include <string>

namespace kvx_test {

/// A copy of the model directory examples/models/tiny that can be changed. At first, its files are links to the
/// originals.
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
  /// Adds members to the object in a JSON file. They come last, so they replace members of the same names.
  void put(const std::string& name, const std::string& members) const {
    std::string text = read(name);
    write(name, text.substr(0, text.rfind('}')) + "," + members + "}");
  }
  void replace(const std::string& name, const std::string& from, const std::string& to) const {
    std::string text = read(name);
    for (std::size_t begin = 0; (begin = text.find(from, begin)) != text.npos; begin += to.size())
      text.replace(begin, from.size(), to);
    write(name, text);
  }
  /// Changes the tensors with f(RawTensors&).
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
