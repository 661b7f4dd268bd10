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

/// A field of a table; strong ones are what a reader should not miss, faint ones what is no more than chance.
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

/// Pairs of answers of one cell, of which some are shown.
struct ShownFlips {
  std::string caption;
  std::vector<std::pair<Record, Record>> pairs;  ///< the base's and the cell's
};

/// A part of a report: what it says, what it shows, its figures.
struct ReportSection {
  std::string id, title;
  std::vector<std::string> lines = {};
  std::vector<std::string> points = {};  ///< of a list, after the lines
  std::vector<Picture> pictures = {};
  std::vector<ReportTable> tables = {};
  std::vector<ShownFlips> flips = {};
  std::vector<KeptText> prompts = {};  ///< shaded by what was kept, on the page alone
  bool folded = false;                 ///< its tables are for who asks for them

  bool empty() const {
    return lines.empty() && points.empty() && pictures.empty() && tables.empty() && flips.empty() && prompts.empty();
  }
};

namespace detail {

/// Adds a picture, where there is one to draw.
inline void draw(ReportSection& section, std::optional<Picture> picture) {
  if (picture) section.pictures.push_back(std::move(*picture));
}
/// Adds a picture with the counts of its samples in the caption.
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
  std::vector<ReportSection> sections;  ///< none is empty
};

}  // namespace kvx::inline v0
