#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/records/cell_name.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The settings and times of a run, as names and values from its files.
struct RunFacts {
  std::string source;
  std::vector<std::pair<std::string, std::string>> facts;
};

/// The rows of one span of a cell's prompts, and how many of them the cell keeps, by layer. Both are summed over heads
/// and contexts.
struct KeptLayers {
  std::string model, task;
  CellName cell;
  std::string span;
  std::vector<Index> tokens, kept;  ///< [layers]

  double share(std::size_t layer) const {
    return static_cast<double>(kept[layer]) / static_cast<double>(tokens[layer]);
  }
};

/// The entropies of a cell's answers, token by token.
struct AnswerEntropy {
  struct Token {
    double mean = NAN;  ///< in nats, over n answers
    std::size_t n = 0;
    double change = NAN;  ///< from the base, over `paired` answers
    std::size_t paired = 0;
  };
  std::string model, task;
  CellName cell;
  std::vector<Token> tokens;
};

}  // namespace kvx::inline v0
