// Evaluates a grid of presses on tasks (run), grades answers that another engine gave (grade), and prints how many
// contexts a study needs (plan).
#include <string>
#include <vector>

#include "kvx-eval/commands.hpp"

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const std::string command = words.empty() ? "" : words.front();
  const bool is_named = command == "run" || command == "grade" || command == "plan";
  if (is_named) words.erase(words.begin());
  return command == "grade" ? kvx_eval::grade(words) : command == "plan" ? kvx_eval::plan(words) : kvx_eval::run(words);
}
