#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/records/cell_name.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// How a run was made: names with their values, as its files have them.
struct RunFacts {
  std::string source;
  std::vector<std::pair<std::string, std::string>> facts;
};

/// What a cell keeps of one span of its prompts, by layer: rows and those that stay, over heads and contexts.
struct KeptLayers {
  std::string model, task;
  CellName cell;
  std::string span;
  std::vector<Index> tokens, kept;  ///< [layers]

  double share(std::size_t layer) const {
    return static_cast<double>(kept[layer]) / static_cast<double>(tokens[layer]);
  }
};

/// How uncertain a cell's answers are, token by token.
struct AnswerEntropy {
  struct Token {
    double mean = NAN;  ///< in nats, over n answers
    std::size_t n = 0;
    double change = NAN;  ///< against the base, over `paired` answers
    std::size_t paired = 0;
  };
  std::string model, task;
  CellName cell;
  std::vector<Token> tokens;
};

}  // namespace kvx::inline v0
