#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/cell.hpp>
#include <kvx/model/prefill.hpp>
#include <kvx/model/qwen2.hpp>
#include <kvx/press/select.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A context prefilled once for a whole grid: its uncompressed cache, and what each cell keeps of it.
class ScoredContext {
 public:
  /// Calls on_layer(layers done) as it goes. A policy whose scores do not depend on the budget scores once for all its
  /// cells. A cell that its policy cannot serve has a reason() and no cache.
  ScoredContext(const Qwen2& model, std::span<const Token> tokens, std::span<const Cell> cells, Dtype cache_dtype,
                Threads& threads, const std::function<void(Index)>& on_layer = {})
      : shape_(model.cache_shape(cache_dtype)),
        cells_(cells.size()),
        next_position_(static_cast<Position>(tokens.size())) {
    Needs needs;
    std::map<std::string, std::vector<std::size_t>> by_policy;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      needs = needs | cells[c].policy.needs();
      by_policy[cells[c].policy.written()].push_back(c);
    }
    KvCache full(shape_);
    prefill(model, tokens, needs, cache_dtype, threads, [&](const PressInput& in, LayerCache rows) {
      for (const auto& [name, members] : by_policy) score(in, cells, members);
      full.layer(in.layer) = std::move(rows);
      if (on_layer) on_layer(in.layer + 1);
    });
    full_ = std::make_shared<const KvCache>(std::move(full));
  }

  const CacheShape& shape() const { return shape_; }
  Position next_position() const { return next_position_; }
  const KvCache& full() const { return *full_; }

  /// Why the policy of cell `c` cannot serve this context; empty when it can.
  const std::string& reason(std::size_t c) const { return cells_[c].reason; }

  /// What the cache of cell `c` will occupy.
  std::size_t bytes(std::size_t c) const {
    std::size_t rows = 0;
    for (const Kept& kept : cells_[c].kept)
      for (const auto& head : kept) rows += head.size();
    return rows * shape_.row_bytes();
  }

  /// The compressed cache of cell `c`.
  std::shared_ptr<const KvCache> compact(std::size_t c) const {
    KvCache cache(shape_);
    for (Index l = 0; l < full_->layers(); ++l)
      cache.layer(l) = compacted(full_->layer(l), cells_[c].kept[static_cast<std::size_t>(l)]);
    return std::make_shared<const KvCache>(std::move(cache));
  }

 private:
  struct CellState {
    std::vector<Kept> kept;  // per layer
    std::string reason;
  };

  /// Selects for the cells `members`, which have one policy; `in` has the queries that the most demanding one wants.
  void score(PressInput in, std::span<const Cell> cells, const std::vector<std::size_t>& members) {
    const AnyPolicy& policy = cells[members.front()].policy;
    const Index there = in.queries.tokens(), wanted = policy.needs().queries;
    if (wanted < there) in.queries = in.queries.tokens(there - wanted, wanted);
    Matrix<float> scores(in.kv_heads(), in.tokens());
    bool scored = false;
    for (const std::size_t c : members) {
      if (!cells_[c].reason.empty()) continue;
      const Budget budget = cells[c].allowance.resolve(in);
      const Index rows = policy.rows(budget, in.tokens());
      try {
        if (rows < in.tokens() && (!scored || policy.scores_by_budget())) policy.score(in, budget, view(scores));
        scored |= rows < in.tokens();
        cells_[c].kept.push_back(rows < in.tokens() ? keep_best(view(std::as_const(scores)), rows)
                                                    : keep_all(in.kv_heads(), in.tokens()));
      } catch (const NotApplicable& why) {
        cells_[c] = {{}, why.what()};
      }
    }
  }

  CacheShape shape_;
  std::shared_ptr<const KvCache> full_;
  std::vector<CellState> cells_;
  Position next_position_;
};

}  // namespace kvx::inline v0
