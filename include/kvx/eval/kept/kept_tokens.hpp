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

/// What a cell keeps of one span, summed over contexts.
struct KeptSpan {
  std::string model, task;
  CellName cell;
  std::string span;  ///< a name; `rest` is what has none, and `all` the whole context
  Index contexts = 0, tokens = 0;
  Index layers = 0, heads = 0;   ///< of keys and values
  std::vector<Index> kept = {};  ///< [layers, heads], rows

  /// The share that stays, over all layers and heads.
  double share() const {
    Index rows = 0;
    for (const Index of_head : kept) rows += of_head;
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
  bool query_aware = false;         ///< whether it ends with the question
  Index index = 0;                  ///< the sample's that has the context first
  std::vector<std::string> tokens;  ///< as text; one may be a part of a character
  std::vector<NamedSpan> spans = {};
  Index heads = 0;  ///< over all layers
  std::vector<Cell> cells = {};
};

/// How many heads of all layers keep each of a context's tokens.
inline std::vector<Index> heads_that_keep(const std::vector<Kept>& layers, Index tokens) {
  std::vector<Index> heads(static_cast<std::size_t>(tokens));
  for (const Kept& layer : layers)
    for (const auto& head : layer)
      for (const Index row : head) ++heads[static_cast<std::size_t>(row)];
  return heads;
}

/// Counts, context by context, what cells keep of the spans of their prompts.
class KeptCounts {
 public:
  /// A context of `tokens` tokens, of which a cell keeps the rows `layers`. Spans of one name count as one.
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

  /// In the order in which their cells came first.
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
