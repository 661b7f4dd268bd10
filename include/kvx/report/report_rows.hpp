#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/cell_name.hpp>
#include <kvx/score/better.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// One figure of one cell, as a line of results.csv has it; NaN where that has none.
struct Figure {
  std::string model, task;
  CellName cell;
  std::string metric;
  std::size_t n = 0, contexts = 0;  ///< samples, and the contexts that they are about; 0: unknown
  double value = NAN, low = NAN, high = NAN;
  double change = NAN, change_low = NAN, change_high = NAN, holm_p = NAN;  ///< against the base

  Better better = Better::more;  ///< which values are better

  /// Whether the cell is significantly worse than the base.
  bool drops() const {
    return holm_p <= 0.05 && (better == Better::more ? change < 0 : better == Better::less && change > 0);
  }
};

/// One line of degradation.csv.
struct DegradationRow {
  std::string model, task;
  CellName cell;
  std::string metric, verdict;
  std::size_t n = 0, contexts = 0, texts = 0;  ///< as in CellDegradation
  double sds = NAN, sds_low = NAN, sds_high = NAN, drop = NAN, drop_low = NAN, drop_high = NAN;
  double rise = NAN, rise_low = NAN, rise_high = NAN, p = NAN;
};

/// How a run was made: names with their values, as its files have them.
struct RunFacts {
  std::string source;
  std::vector<std::pair<std::string, std::string>> facts;
};

/// One line of groups.csv: a figure over the parts of answers that belong to one group.
struct GroupFigure {
  std::string group;
  Figure figure;  ///< n counts parts
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

/// One line of kept_spans.csv.
struct KeptShare {
  std::string model, task;
  CellName cell;
  std::string span;
  double share = NAN, relative = NAN;  ///< of the span; its quotient with the whole context's
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
