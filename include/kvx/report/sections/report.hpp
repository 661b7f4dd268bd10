#pragma once

#include <kvx/eval/kept/kept_tokens.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/load/sample_counts.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A field of a table. Strong fields are those that a reader should not miss; faint ones are no more than chance.
struct TableField {
  enum class Weight { plain, strong, faint };
  std::string text;
  Weight weight = Weight::plain;
};

struct ReportTable {
  std::string caption;
  std::vector<std::string> head;
  std::vector<std::vector<TableField>> rows;
  std::string note = {};
};

/// Answers of one cell that are shown next to the base's answers.
struct ShownFlips {
  std::string caption;
  std::vector<std::pair<Record, Record>> pairs;  ///< the base's and the cell's
};

/// A section of a report: text, pictures, tables, and answers and prompts that are shown in full.
struct ReportSection {
  std::string id, title;
  std::vector<std::string> lines = {};
  std::vector<std::string> points = {};  ///< items of a list after the lines
  std::vector<Picture> pictures = {};
  std::vector<ReportTable> tables = {};
  std::vector<ShownFlips> flips = {};
  std::vector<KeptText> prompts = {};  ///< shaded by how many heads keep each token; in report.html only
  bool folded = false;                 ///< whether report.html hides the tables until they are opened

  bool empty() const {
    return lines.empty() && points.empty() && pictures.empty() && tables.empty() && flips.empty() && prompts.empty();
  }
};

namespace detail {

/// Adds the picture, if there is one.
inline void draw(ReportSection& section, std::optional<Picture> picture) {
  if (picture) section.pictures.push_back(std::move(*picture));
}
/// Adds the picture, if there is one, with the counts of its samples in the caption.
inline void draw(ReportSection& section, std::optional<Picture> picture, const SampleCounts& counts) {
  if (picture && counts.contexts > 0) {
    picture->caption += " " + counts_text(counts) + ".";
    if (const auto note = counts_note(counts); !note.empty()) picture->caption += " Note: " + note + ".";
  }
  draw(section, std::move(picture));
}

}  // namespace detail

struct Report {
  std::string title;
  std::vector<ReportSection> sections;  ///< none of them is empty
};

}  // namespace kvx::inline v0
