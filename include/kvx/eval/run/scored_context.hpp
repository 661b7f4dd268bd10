#pragma once

#include <kvx/cache/growth.hpp>
#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/eval/run/cell.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/prefill.hpp>
#include <kvx/model/pressed_allowance.hpp>
#include <kvx/model/repeat_context.hpp>
#include <kvx/model/rolling_cache.hpp>
#include <kvx/press/budget_of.hpp>
#include <kvx/press/decoding.hpp>
#include <kvx/press/edit_layer.hpp>
#include <kvx/press/none.hpp>
#include <kvx/press/select.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A context prefilled once for a whole grid: its uncompressed cache, and the rows that each cell keeps of it.
class ScoredContext {
 public:
  /// `spans` are the parts of the context, for policies that use them. Calls on_layer(number of layers done) after each
  /// layer. A policy whose scores do not depend on the budget scores once for all its cells. A cell whose
  /// policy cannot serve the context has a reason() and no cache.
  ScoredContext(const Decoder& model, std::span<const Token> tokens, std::span<const Cell> cells, Dtype cache_dtype,
                Threads& threads, const std::function<void(Index)>& on_layer = {}, const RepeatPrompt& prompt = {},
                std::span<const NamedSpan> spans = {})
      : model_(model),
        shape_(model.cache_shape(cache_dtype)),
        tokens_(static_cast<Index>(tokens.size())),
        spans_(spans.begin(), spans.end()) {
    for (const Cell& cell : cells) {
      const Allowance allowance = pressed_allowance(model.config(), cell.allowance, tokens_, shape_);
      cells_.push_back({cell.policy, allowance, budget_of(cell.policy, allowance, tokens_, shape_), {}, {}});
    }
    Needs needs;
    std::map<std::string, std::vector<std::size_t>> by_policy;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      needs = needs | needs_of(cells[c].policy);
      edit_queries_ = std::max(edit_queries_, cells[c].policy.edit_queries());
      by_policy[cells[c].policy.written()].push_back(c);
    }
    KvCache full(shape_);
    prefill(model, tokens, needs, cache_dtype, threads, [&](PressInput in, LayerCache rows) {
      in.spans = spans;
      for (const auto& [name, members] : by_policy)
        if (!cells[members.front()].policy.needs().repetition) score(in, members);
      full.layer(in.layer) = std::move(rows);
      if (edit_queries_ > 0) queries_.push_back(detail::head_major(with_queries(in, edit_queries_).queries));
      if (on_layer) on_layer(in.layer + 1);
    });
    full_ = std::make_shared<const KvCache>(std::move(full));
    for (const auto& [name, members] : by_policy)
      if (cells[members.front()].policy.needs().repetition) repeat(model, tokens, members, prompt, threads);
  }

  const ModelConfig& config() const { return model_.config(); }
  const CacheShape& shape() const { return shape_; }
  /// Tokens of the context.
  Index tokens() const { return tokens_; }
  const KvCache& full() const { return *full_; }

  /// Why the policy of cell `c` cannot serve this context; empty if it can.
  const std::string& reason(std::size_t c) const { return cells_[c].reason; }

  /// Whether cell `c` is the uncompressed cache.
  bool is_base(std::size_t c) const { return cells_[c].policy.as<None>() != nullptr; }
  /// The rows that cell `c` keeps in each layer, by token; empty if there is a reason(). In a layer with a window, they
  /// are those of the last window.
  const std::vector<Kept>& kept(std::size_t c) const { return cells_[c].kept; }
  /// The number of rows that cell `c` keeps, over all layers and heads.
  std::size_t rows(std::size_t c) const {
    std::size_t rows = 0;
    for (const Kept& kept : cells_[c].kept)
      for (const auto& head : kept) rows += head.size();
    return rows;
  }
  /// The bytes that this object occupies: the uncompressed cache, which rows of it each cell keeps, and queries.
  std::size_t context_bytes() const {
    std::size_t sum = full_->bytes();
    for (std::size_t c = 0; c < cells_.size(); ++c) sum += rows(c) * sizeof(Index);
    for (const auto& queries : queries_) sum += queries.size() * sizeof(float);
    return sum;
  }
  /// The bytes that the cache of cell `c` will occupy, before a sequence adds to it.
  std::size_t bytes(std::size_t c) const {
    const auto quantization = cells_[c].policy.quantization();
    std::size_t sum = 0;
    for (std::size_t l = 0; l < cells_[c].kept.size(); ++l)
      sum += stored_bytes(config().window(static_cast<Index>(l)) > 0 ? std::nullopt : quantization, shape_,
                          cells_[c].kept[l]);
    return sum;
  }
  /// The part of bytes() that each sequence of cell `c` has for itself, because it cannot be shared.
  std::size_t own_bytes(std::size_t c) const {
    const AnyPolicy& policy = cells_[c].policy;
    if (policy.rolls()) return bytes(c);
    const auto quantization = policy.quantization();
    if (!quantization) return 0;
    const auto rows = static_cast<std::size_t>(2 * quantization->residual * shape_.layers * shape_.kv_heads);
    return std::min(bytes(c), rows * shape_.row_bytes());
  }
  /// The most that a sequence of cell `c` adds to own_bytes() while it grows by `rows` rows: bytes of these rows, of
  /// memory allocated ahead for further rows, and of the queries that the cell's press remembers.
  std::size_t growth_bytes(std::size_t c, Index rows) const {
    const AnyPolicy& policy = cells_[c].policy;
    const bool owns_rows = policy.rolls() || policy.quantization();
    const Index grown = owns_rows ? rows + kCacheBlock : detail::grown_rows(rows);
    std::size_t queries = 0;
    if (const Decoding* const decoding = policy.decoding())
      queries = static_cast<std::size_t>(decoding->inner.needs().queries * model_.config().heads * shape_.head_dim *
                                         shape_.layers);
    return static_cast<std::size_t>(grown * shape_.layers * shape_.kv_heads) * shape_.row_bytes() +
           queries * sizeof(float);
  }
  /// The share of the rows that cell `c` removes from the layers without a window.
  double ratio(std::size_t c) const {
    return reason(c).empty() ? removed_share(config(), tokens_, static_cast<Index>(rows(c))) : 0;
  }

  /// The start of a sequence that answers from the uncompressed cache.
  SequenceCache full_start() const { return {full_, shape_, static_cast<Position>(tokens_)}; }

  /// The start of a sequence that answers from cell `c`, with a copy of its cache.
  SequenceCache start(std::size_t c) const {
    KvCache cache(shape_);
    const CellState& cell = cells_[c];
    for (Index l = 0; l < full_->layers(); ++l) {
      const auto at = static_cast<std::size_t>(l);
      if (model_.config().window(l) > 0) {
        cache.layer(l) = full_->layer(l);
        continue;
      }
      PressInput in{.layer = l,
                    .layers = full_->layers(),
                    .inv_freq = model_.rope(l).inv_freq,
                    .rope_factor = model_.rope(l).factor,
                    .query_scalar = model_.config().query_scalar};
      if (edit_queries_ > 0) {
        const auto window = std::min(edit_queries_, tokens_);
        const auto heads = static_cast<Index>(queries_[at].size()) / (window * shape_.head_dim);
        in.queries = TensorView<const float>::head_major(queries_[at].data(), heads, window, shape_.head_dim);
      }
      cache.layer(l) =
          edited(cell.policy, with_queries(in, cell.policy.edit_queries()), full_->layer(l), cell.kept[at]);
    }
    const Position next = position_after(cell.policy, cache, tokens_);
    return start_sequence(model_, cell.policy, std::move(cache), shape_.dtype, next, spans_);
  }

 private:
  struct CellState {
    AnyPolicy policy;
    Allowance allowance;
    Budget budget;
    std::vector<Kept> kept;  // per layer
    std::string reason;
  };

  /// The tokens whose rows the uncompressed cache holds in layer `l`.
  Kept held(Index l) const {
    Kept all = keep_all(shape_.kv_heads, tokens_);
    for (auto& rows : all) rows.erase(rows.begin(), rows.end() - model_.config().rows(l, tokens_));
    return all;
  }

  /// Selects rows for the cells `members`, which have one policy. `layer_input` has as many queries as the policy that
  /// needs most of them.
  void score(const PressInput& layer_input, const std::vector<std::size_t>& members) {
    if (model_.config().window(layer_input.layer) > 0) {
      for (const std::size_t c : members)
        if (cells_[c].reason.empty()) cells_[c].kept.push_back(held(layer_input.layer));
      return;
    }
    const AnyPolicy policy = cells_[members.front()].policy;
    const PressInput in = with_queries(layer_input, policy.needs().queries);
    Matrix<float> scores(in.kv_heads(), in.tokens());
    bool scored = false;
    for (const std::size_t c : members) {
      CellState& cell = cells_[c];
      if (!cell.reason.empty()) continue;
      try {
        cell.kept.push_back(select_within(policy, cell.allowance, cell.budget, in, [&](const Budget& budget) {
          if (keeps_all(policy, in, budget)) return keep_all(in.kv_heads(), in.tokens());
          if (!scored || policy.traits().scores_by_budget) policy.score(in, budget, view(scores));
          scored = true;
          return policy.select(in, budget, view(std::as_const(scores)));
        }));
      } catch (const NotApplicable& failure) {
        cell = {policy, cell.allowance, cell.budget, {}, failure.what()};
      }
    }
  }

  /// Selects rows for the cells `members`, which have one policy. The policy needs the context repeated.
  void repeat(const Decoder& model, std::span<const Token> tokens, const std::vector<std::size_t>& members,
              const RepeatPrompt& prompt, Threads& threads) {
    const AnyPolicy& policy = cells_[members.front()].policy;
    std::vector<Matrix<float>> scores;
    for (const std::size_t c : members) {
      const Budget& budget = cells_[c].budget;
      try {
        if (budget.keep >= tokens_) {
          for (Index l = 0; l < shape_.layers; ++l) cells_[c].kept.push_back(held(l));
          continue;
        }
        if (scores.empty())
          scores = score_repetition(policy, budget, model, full_, tokens, prompt, shape_.dtype, threads);
        cells_[c].kept =
            select_layers_within(policy, cells_[c].allowance, budget, tokens_, shape_,
                                 [&](const Budget& within) { return policy.select_layers(within, scores); });
      } catch (const NotApplicable& failure) {
        cells_[c].reason = failure.what();
      }
    }
  }

  const Decoder& model_;
  CacheShape shape_;
  std::shared_ptr<const KvCache> full_;
  std::vector<CellState> cells_;
  Index tokens_, edit_queries_ = 0;
  std::vector<NamedSpan> spans_;
  std::vector<std::vector<float>> queries_;  // per layer: the last edit_queries_ queries, [heads, window, head_dim]
};

}  // namespace kvx::inline v0
