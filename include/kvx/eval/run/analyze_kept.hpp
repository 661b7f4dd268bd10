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

/// The rows that the cells of a grid keep of the contexts of its tasks.
struct KeptAnalysis {
  KeptCounts counts = {};
  std::vector<KeptText> texts = {};  ///< the first context of each task; for query-aware cells also with its question
  CellRatios ratios = {};            ///< the cells' ratios, averaged over the questions
};

/// The tokens of a context as text, with its spans. The list of cells is empty.
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
    names.push_back(cell_in_context(planned[c], scored.config(), scored.tokens(), scored.shape(), scored.ratio(c)));
  return names;
}

/// Adds the rows that cells keep of one context of a task. `names` are the cells' names, with their ratios in this
/// context. A cell that cannot serve the context is not counted.
inline void add_kept(KeptAnalysis& analysis, const std::string& model, const std::string& task,
                     const PromptGroup& group, const Tokenizer& tokenizer, const ScoredContext& scored,
                     std::span<const CellName> names) {
  const bool is_first = analysis.texts.empty() || analysis.texts.back().model != model ||
                        analysis.texts.back().task != task || analysis.texts.back().query_aware != group.query_aware;
  if (is_first) analysis.texts.push_back(kept_text(model, task, group, tokenizer, scored.shape()));
  for (std::size_t c = 0; c < names.size(); ++c) {
    if (!scored.reason(c).empty()) continue;
    for (std::size_t answer = 0; answer < group.prompts.size(); ++answer) analysis.ratios.add(model, task, names[c]);
    analysis.counts.add(model, task, names[c], group.spans, scored.tokens(), scored.kept(c));
    if (is_first) analysis.texts.back().cells.push_back({names[c], heads_that_keep(scored.kept(c), scored.tokens())});
  }
}

/// Prefills the contexts of a model's tasks again, and adds the rows that all cells but the base keep of them. Calls
/// on_context() after each context.
inline void analyze_kept(KeptAnalysis& analysis, const PreparedModel& model, const Decoder& weights,
                         std::span<const PlannedCell> cells, Dtype dtype, Threads& threads,
                         const std::function<void()>& on_context) {
  for (const TaskPrompts& task : model.tasks)
    for (const PromptGroup& group : task.groups) {
      std::vector<Cell> compressed;
      std::vector<PlannedCell> planned;
      for (const PlannedCell& cell : cells)
        if (cell.name.query_aware == group.query_aware && cell.cell.policy.as<None>() == nullptr) {
          compressed.push_back(cell.cell);
          planned.push_back(cell);
        }
      const ScoredContext scored(weights, group.context, compressed, dtype, threads, {}, model.repeat, group.spans);
      add_kept(analysis, model.name, data_label(task.task, task.samples[group.prompts.front().sample].task), group,
               model.tokenizer, scored, cells_in_context(planned, scored));
      on_context();
    }
}

}  // namespace kvx::inline v0
