#include <kvx/kvx.hpp>

int main() {
  const auto document = kvx::JsonDocument::parse(R"({"answer": 42})", "text");
  return document.root().at("answer").integer() == 42 ? 0 : 1;
}
