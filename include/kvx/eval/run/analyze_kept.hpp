#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/kept/kept_tokens.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/run/cell.hpp>
#include <kvx/eval/run/cell_in_context.hpp>
#include <kvx/eval/run/planned_cells.hpp>
#include <kvx/eval/run/prepared_model.hpp>
#include <kvx/eval/run/prompts.hpp>
#include <kvx/eval/run/scored_context.hpp>
#include <kvx/eval/run/task_data.hpp>
#include <kvx/eval/tables/cell_ratios.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/press/none.hpp>
#include <kvx/text/stream_decoder.hpp>
#include <kvx/text/tokenizer.hpp>

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// What the cells of a grid keep of the contexts of its tasks.
struct KeptAnalysis {
  KeptCounts counts = {};
  std::vector<KeptText> texts = {};  ///< the first context of each task, and with its question the first such
  CellRatios ratios = {};            ///< means over the questions about the contexts
};

/// A context as text, with its spans and no cells yet.
inline KeptText kept_text(const std::string& model, const std::string& task, const PromptGroup& group,
                          const Tokenizer& tokenizer, const CacheShape& shape) {
  KeptText text{model, task, group.query_aware, static_cast<Index>(group.prompts.front().sample), {}, group.spans};
  text.heads = shape.layers * shape.kv_heads;
  StreamDecoder decoder(tokenizer);
  for (const Token token : group.context) text.tokens.push_back(decoder.next(token));
  text.tokens.back() += decoder.finish();
  return text;
}

/// The names of a context's cells, with their compression ratios in this context.
inline std::vector<CellName> cells_in_context(std::span<const PlannedCell> planned, const ScoredContext& scored) {
  std::vector<CellName> names;
  for (std::size_t c = 0; c < planned.size(); ++c)
    names.push_back(cell_in_context(planned[c], scored.tokens(), scored.shape(), scored.ratio(c)));
  return names;
}

/// Adds the rows that cells keep of one context of a task. `names` are the cells' names, with their ratios in this
/// context. Rows are not counted for a cell that cannot serve the context.
inline void add_kept(KeptAnalysis& to, const std::string& model, const std::string& task, const PromptGroup& group,
                     const Tokenizer& tokenizer, const ScoredContext& scored, std::span<const CellName> names) {
  const bool is_first = to.texts.empty() || to.texts.back().model != model || to.texts.back().task != task ||
                        to.texts.back().query_aware != group.query_aware;
  if (is_first) to.texts.push_back(kept_text(model, task, group, tokenizer, scored.shape()));
  for (std::size_t c = 0; c < names.size(); ++c) {
    if (!scored.reason(c).empty()) continue;
    for (std::size_t answer = 0; answer < group.prompts.size(); ++answer) to.ratios.add(model, task, names[c]);
    to.counts.add(model, task, names[c], group.spans, scored.tokens(), scored.kept(c));
    if (is_first) to.texts.back().cells.push_back({names[c], heads_that_keep(scored.kept(c), scored.tokens())});
  }
}

/// Prefills the contexts of a model's tasks once more to see what the cells but the base keep of them. Calls
/// on_context() after each.
inline void analyze_kept(KeptAnalysis& to, const PreparedModel& model, const Decoder& weights,
                         std::span<const PlannedCell> cells, Dtype dtype, Threads& threads,
                         const std::function<void()>& on_context) {
  for (const TaskPrompts& task : model.tasks)
    for (const PromptGroup& group : task.groups) {
      std::vector<Cell> some;
      std::vector<PlannedCell> planned;
      for (const PlannedCell& each : cells)
        if (each.name.query_aware == group.query_aware && each.cell.policy.as<None>() == nullptr) {
          some.push_back(each.cell);
          planned.push_back(each);
        }
      const ScoredContext scored(weights, group.context, some, dtype, threads, {}, model.repeat, group.spans);
      add_kept(to, model.name, data_label(task.task, task.samples[group.prompts.front().sample].task), group,
               model.tokenizer, scored, cells_in_context(planned, scored));
      on_context();
    }
}

}  // namespace kvx::inline v0
