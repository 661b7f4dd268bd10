// Calls into each library that kvx is made with: their headers are found, their code is linked.
#include <kvx/core/threads.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_tree_parse.hpp>
#include <kvx/io/json_schema/json_schema.hpp>
#include <kvx/io/regex.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/text/nfc.hpp>

int main(int, char** argv) {
  const kvx::Threads threads(2);
  const auto document = kvx::JsonDocument::parse(R"({"answer": 42})", "text");
  const kvx::JsonSchema schema(*kvx::parse_json(R"({"type": "string"})"), "schema");
  const bool right = document.root().at("answer").integer() == 42 && schema.accepts(*kvx::parse_json("\"text\"")) &&
                     kvx::Regex("a+", "expression").count("aab a") == 2 && kvx::nfc("e\u0301") == "\u00e9" &&
                     !kvx::read_text_file(argv[0]).empty();
  return right ? 0 : 1;
}
