// Feeds mutations of its seeds to a fuzz target: mutate [COUNT [SEED]]. The same COUNT and SEED give the same inputs on
// every machine. A failure ends the program through a sanitizer or abort().
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "target.hpp"

namespace {

constexpr std::array<std::string_view, 24> kValues{"0",
                                                   "-1",
                                                   "1",
                                                   "2",
                                                   "255",
                                                   "65536",
                                                   "16777217",
                                                   "2147483648",
                                                   "4294967296",
                                                   "9223372036854775807",
                                                   "9223372036854775808",
                                                   "18446744073709551616",
                                                   "1e999",
                                                   "1.5",
                                                   "null",
                                                   "true",
                                                   "false",
                                                   "[]",
                                                   "{}",
                                                   "\"\"",
                                                   "[[[[[]]]]]",
                                                   "\"\\n\\u0000\"",
                                                   "\"\xf0\x9f\x98\x80\"",
                                                   "\"\xff\""};

struct Range {
  std::size_t begin, length;
};

/// The ranges of strings, numbers, words and bracketed values in a text that is roughly JSON.
std::vector<Range> json_values(std::string_view text) {
  std::vector<Range> found;
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    if (text[i] == '[' || text[i] == '{') {
      open.push_back(i);
    } else if ((text[i] == ']' || text[i] == '}') && !open.empty()) {
      found.push_back({open.back(), end - open.back()});
      open.pop_back();
    } else if (text[i] == '"') {
      while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, text.size());
      found.push_back({i, end - i});
    } else if (std::string_view(",: ]}").find(text[i]) == std::string_view::npos) {
      end = std::min(text.find_first_of(",: ]}", i), text.size());
      found.push_back({i, end - i});
    }
    i = end;
  }
  return found;
}

class Mutator {
 public:
  Mutator(std::vector<std::string> seeds, unsigned long long seed) : seeds_(std::move(seeds)), random_(seed) {}

  std::string next() {
    std::string text = pick(seeds_);
    for (std::size_t changes = 1 + below(3); changes > 0; --changes) change(text);
    return text;
  }

 private:
  std::size_t below(std::size_t count) { return count == 0 ? 0 : random_() % count; }
  template <class Items>
  const typename Items::value_type& pick(const Items& items) {
    return items[below(items.size())];
  }
  Range part(const std::string& text) {
    const std::size_t begin = below(text.size() + 1);
    return {begin, below(std::min<std::size_t>(text.size() - begin, 16) + 1)};
  }

  void change(std::string& text) {
    const Range range = part(text);
    switch (below(10)) {
      case 0:  // flips a bit
        if (range.begin < text.size()) text[range.begin] = static_cast<char>(text[range.begin] ^ (1 << below(8)));
        break;
      case 1:  // changes a byte
        if (range.begin < text.size()) text[range.begin] = static_cast<char>(below(256));
        break;
      case 2:
        text.insert(range.begin, 1 + below(4), static_cast<char>(below(256)));
        break;
      case 3:
        text.erase(range.begin, range.length);
        break;
      case 4:  // duplicates a part
        text.insert(range.begin, text.substr(range.begin, range.length));
        break;
      case 5: {  // joins the beginning of this text and the end of a seed
        const std::string& other = pick(seeds_);
        text = text.substr(0, range.begin) + other.substr(below(other.size() + 1));
        break;
      }
      default:
        change_value(text);
    }
  }

  /// Replaces, swaps, duplicates or removes values of a JSON text.
  void change_value(std::string& text) {
    const auto values = json_values(text);
    if (values.empty()) return;
    Range a = pick(values), b = pick(values);
    if (a.begin > b.begin) std::swap(a, b);
    switch (below(5)) {
      case 0:
        text.replace(a.begin, a.length, text.substr(b.begin, b.length));
        break;
      case 1: {
        if (a.begin + a.length > b.begin) break;  // one value contains the other
        const std::string first = text.substr(a.begin, a.length), second = text.substr(b.begin, b.length);
        text.replace(b.begin, b.length, first).replace(a.begin, a.length, second);
        break;
      }
      case 2:
        text.insert(a.begin, text.substr(a.begin, a.length) + ",");
        break;
      case 3:
        text.erase(a.begin, a.length + 1);
        break;
      default:
        text.replace(a.begin, a.length, pick(kValues));
    }
  }

  std::vector<std::string> seeds_;
  std::mt19937_64 random_;
};

void run(const std::string& input) {
  const std::vector<std::uint8_t> exact(input.begin(),
                                        input.end());  // so that a sanitizer detects reading past the end
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  const long count = argc > 1 ? std::atol(argv[1]) : 20'000;
  Mutator mutator(seeds(), argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
  for (const std::string& seed : seeds()) {
    const long before = accepted;
    run(seed);
    if (accepted == before) {
      std::fprintf(stderr, "expected every seed to be accepted, found a refused one: %s\n", seed.c_str());
      return 1;
    }
  }
  accepted = 0;
  for (long i = 0; i < count; ++i) run(mutator.next());
  std::printf("%ld mutations, %ld inputs accepted\n", count, accepted);
}
