#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The rows that a cell keeps of one span, summed over contexts.
struct KeptSpan {
  std::string model, task;
  CellName cell;
  std::string span;  ///< its name; `rest`: the tokens outside all spans, `all`: the whole context
  Index contexts = 0, tokens = 0;
  Index layers = 0, heads = 0;   ///< layers, and KV heads of each
  std::vector<Index> kept = {};  ///< [layers, heads], number of rows

  /// The share of the span's rows that is kept, over all layers and heads.
  double share() const {
    Index rows = 0;
    for (const Index head_rows : kept) rows += head_rows;
    return static_cast<double>(rows) / static_cast<double>(tokens * layers * heads);
  }
};

/// How many heads of all layers keep each token of one context.
struct KeptText {
  struct Cell {
    CellName name;
    std::vector<Index> heads;  ///< [tokens]
  };
  std::string model, task;
  bool query_aware = false;         ///< whether the context ends with the question
  Index index = 0;                  ///< of the first sample that has the context
  std::vector<std::string> tokens;  ///< as text; a token may be part of a character
  std::vector<NamedSpan> spans = {};
  Index heads = 0;  ///< number of KV heads of all layers
  std::vector<Cell> cells = {};
};

/// For each token of a context, the number of heads, over all layers, that keep it.
inline std::vector<Index> heads_that_keep(const std::vector<Kept>& layers, Index tokens) {
  std::vector<Index> heads(static_cast<std::size_t>(tokens));
  for (const Kept& layer : layers)
    for (const auto& head : layer)
      for (const Index row : head) ++heads[static_cast<std::size_t>(row)];
  return heads;
}

/// Counts the rows that cells keep of the spans of contexts, one context at a time.
class KeptCounts {
 public:
  /// Adds a context of `tokens` tokens, of which the cell keeps the rows `layers`. Spans with the same name count as
  /// one. A token in several spans counts toward the last one.
  void add(const std::string& model, const std::string& task, const CellName& cell, std::span<const NamedSpan> spans,
           Index tokens, const std::vector<Kept>& layers) {
    constexpr std::size_t kAll = 0, kRest = 1;
    std::vector<std::string> names = {"all", "rest"};
    std::vector<std::size_t> span_of(static_cast<std::size_t>(tokens), kRest);
    for (const NamedSpan& span : spans) {
      const auto place = std::ranges::find(names, span.name);
      const auto number = static_cast<std::size_t>(place - names.begin());
      if (place == names.end()) names.push_back(span.name);
      for (Index t = span.tokens.first; t < std::min(span.tokens.last, tokens); ++t)
        span_of[static_cast<std::size_t>(t)] = number;
    }
    for (std::size_t s = 0; s < names.size(); ++s) {
      const Index size = s == kAll ? tokens : std::ranges::count(span_of, s);
      if (size == 0) continue;
      KeptSpan& sum = at({model, task, cell, names[s]}, layers);
      ++sum.contexts;
      sum.tokens += size;
      std::size_t head = 0;
      for (const Kept& layer : layers)
        for (const auto& rows : layer)
          sum.kept[head++] += std::ranges::count_if(
              rows, [&](Index row) { return s == kAll || span_of[static_cast<std::size_t>(row)] == s; });
    }
  }

  /// In the order in which they were first added.
  const std::vector<KeptSpan>& spans() const { return spans_; }

 private:
  using Key = std::tuple<std::string, std::string, CellName, std::string>;

  KeptSpan& at(const Key& key, const std::vector<Kept>& layers) {
    const auto [place, is_new] = places_.try_emplace(key, spans_.size());
    if (is_new) {
      const auto& [model, task, cell, span] = key;
      KeptSpan sum{model, task, cell, span};
      sum.layers = std::ssize(layers);
      sum.heads = std::ssize(layers.front());
      sum.kept.resize(static_cast<std::size_t>(sum.layers * sum.heads));
      spans_.push_back(std::move(sum));
    }
    return spans_[place->second];
  }

  std::map<Key, std::size_t> places_;
  std::vector<KeptSpan> spans_;
};

}  // namespace kvx::inline v0
