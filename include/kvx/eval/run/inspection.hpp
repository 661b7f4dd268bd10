#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/eval/kept/kept_tokens.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/run/analyze_kept.hpp>
#include <kvx/eval/run/cell.hpp>
#include <kvx/eval/run/grid_batch.hpp>
#include <kvx/eval/run/planned_cells.hpp>
#include <kvx/eval/run/prompts.hpp>
#include <kvx/eval/run/scored_context.hpp>
#include <kvx/eval/tables/cell_columns.hpp>
#include <kvx/io/csv_columns.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/repeat_context.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/text/tokenizer.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The result of one cell for one prompt.
struct InspectedCell {
  CellName name;
  std::string reason = {};        ///< why its press cannot serve the prompt; empty if it can
  std::vector<Kept> layers = {};  ///< the rows that it keeps
  std::string answer = {};
  std::vector<double> entropy = {};  ///< in nats, of the model's distribution before each token of the answer
};

/// The results of all cells for one prompt.
struct Inspection {
  KeptAnalysis kept;
  std::vector<InspectedCell> cells = {};
};

/// The input of inspect(): a model, and a prompt with one question.
struct InspectedPrompt {
  const Decoder& weights;
  const Tokenizer& tokenizer;
  const PromptGroup& group;
  std::string model, task;
  Index max_new_tokens = 0;  ///< 0: no answers, only the kept rows
};

/// Compresses a prompt's context for every cell, and answers the question from each of them.
inline Inspection inspect(const InspectedPrompt& prompt, std::span<const PlannedCell> planned, Dtype dtype,
                          std::size_t memory, Threads& threads, const RepeatPrompt& repeat) {
  std::vector<Cell> cells;
  for (const PlannedCell& cell : planned) cells.push_back(cell.cell);
  ScoredContext scored(prompt.weights, prompt.group.context, cells, dtype, threads, {}, repeat, prompt.group.spans);
  const std::vector<CellName> names = cells_in_context(planned, scored);
  Inspection found;
  add_kept(found.kept, prompt.model, prompt.task, prompt.group, prompt.tokenizer, scored, names);
  GridContext context{std::move(scored), {}, {}, {}};
  for (std::size_t c = 0; c < names.size(); ++c) {
    found.cells.push_back({names[c], context.scored.reason(c), context.scored.kept(c)});
    if (found.cells.back().reason.empty() && prompt.max_new_tokens > 0) context.jobs.push_back({c, 0});
  }
  if (context.jobs.empty()) return found;
  context.questions.push_back({prompt.group.prompts.front().tokens, prompt.max_new_tokens});
  context.on_answer = [&](const GridJob& job, const GridAnswer& answer) {
    InspectedCell& cell = found.cells[job.cell];
    if (answer.failure != nullptr) {
      cell.reason = answer.failure->what();
      return;
    }
    cell.answer = prompt.tokenizer.decode(answer.tokens, true);
    cell.entropy.assign(answer.entropy.begin(), answer.entropy.end());
  };
  GridBatch batch(prompt.weights, {.bytes = memory, .entropy = true}, threads);
  batch.add(std::move(context));
  batch.finish();
  return found;
}

/// The heads of a cell that keep one token: a line of kept_tokens.csv.
struct InspectedToken {
  CellName cell;
  Index token = 0;  ///< its position in the context, from 0
  std::string text, span;
  std::size_t kept_by = 0;        ///< number of heads, of all layers, that keep it
  std::vector<std::size_t> kept;  ///< 1 or 0 for each layer and head
};

/// One line for each cell and token: its text, its span, the number of heads that keep it, and 1 or 0 for each layer
/// and head.
inline std::string kept_tokens_csv(const Inspection& inspection) {
  CsvColumns<InspectedToken> columns;
  add_cell_columns(columns, &InspectedToken::cell);
  columns.add("token", &InspectedToken::token)
      .add("text", &InspectedToken::text)
      .add("span", &InspectedToken::span)
      .add("kept_by", &InspectedToken::kept_by);
  const auto first = std::ranges::find_if(inspection.cells, [](const auto& cell) { return cell.reason.empty(); });
  std::size_t heads = 0;
  if (first != inspection.cells.end())
    for (std::size_t l = 0; l < first->layers.size(); ++l)
      for (std::size_t h = 0; h < first->layers[l].size(); ++h, ++heads)
        columns.add(
            "layer" + std::to_string(l) + "_head" + std::to_string(h), [heads](auto& row) -> auto& {
              return row.kept[heads];
            });
  const KeptText& text = inspection.kept.texts.front();
  std::vector<InspectedToken> rows;
  for (const InspectedCell& cell : inspection.cells) {
    if (!cell.reason.empty()) continue;
    for (Index t = 0; t < std::ssize(text.tokens); ++t) {
      InspectedToken& row =
          rows.emplace_back(InspectedToken{cell.name, t, text.tokens[static_cast<std::size_t>(t)], {}, 0, {}});
      for (const NamedSpan& span : text.spans)
        if (span.tokens.first <= t && t < span.tokens.last) row.span = span.name;
      for (const Kept& layer : cell.layers)
        for (const auto& kept : layer) row.kept_by += row.kept.emplace_back(std::ranges::binary_search(kept, t));
    }
  }
  return columns.text(rows);
}

/// The entropies as records, for entropy_csv().
inline std::vector<Record> entropy_records(const Inspection& inspection, const std::string& model,
                                           const std::string& task) {
  std::vector<Record> records;
  for (const InspectedCell& cell : inspection.cells) {
    Record record{{}, model, task, cell.name.press, cell.name.ratio, 0};
    record.budget = cell.name.budget;
    record.query_aware = cell.name.query_aware;
    record.sample.task = task;
    record.entropy = cell.entropy;
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace kvx::inline v0
