#include <kvx/core/split_mix.hpp>
#include <kvx/eval/records/record_store.hpp>
#include <kvx/io/text_file.hpp>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/records.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
const std::string kKey = "0123456789abcdef";

RecordStore open(const std::string& dir, const std::string& key = kKey, const std::string& config = {}) {
  return RecordStore(dir, grid_tasks(), {{{"z", "t"}, key}, {{"a", "t"}, key}}, grid_order(), config, "sse");
}
std::string file_of(const std::string& dir) { return dir + "/records.jsonl"; }
bool contains(const RecordStore& store, const Record& r) { return store.contains(r.model, r.task, r.cell(), r.index); }
std::string lines_of(const std::vector<Record>& records) {
  std::string text;
  for (const Record& record : records) text += to_json(record, grid_tasks()) + "\n";
  return text;
}
std::vector<Record> shuffled(std::vector<Record> records, std::uint64_t seed) {
  SplitMix64 random(seed);
  for (std::size_t i = records.size(); i > 1; --i) std::swap(records[i - 1], records[random.next() % i]);
  return records;
}
/// Adds the missing records of a grid, and finishes the store.
void complete(const std::string& dir, const std::vector<Record>& grid, unsigned pause_us) {
  RecordStore store = open(dir);
  for (const Record& record : grid)
    if (!contains(store, record)) {
      store.add(record);
      ::usleep(pause_us);
    }
  store.finish();
}
}  // namespace

TEST_CASE("Records are on the disk as soon as they are added, and are found again") {
  const TempDir dir;
  const auto grid = grid_records(2);
  {
    RecordStore store = open(dir.path() + "/new/dir");
    CHECK_FALSE(contains(store, grid[3]));
    store.add(grid[3]);
    CHECK(contains(store, grid[3]));
    CHECK(read_text_file(file_of(dir.path() + "/new/dir")) == lines_of({grid[3]}));
    store.add(grid[0]);
    CHECK(error_of([&] { store.add(grid[3]); }).ends_with(": expected each answer once, found it again"));
  }
  RecordStore store = open(dir.path() + "/new/dir");
  CHECK(read_text_file(file_of(dir.path() + "/new/dir")) == lines_of({grid[3], grid[0]}));
  for (std::size_t i = 0; i < grid.size(); ++i) CHECK(contains(store, grid[i]) == (i == 0 || i == 3));
  const auto records = store.records();
  REQUIRE(records.size() == 2);
  CHECK(records[0].press == "none");
  CHECK(records[1].grade.metrics == grid[3].grade.metrics);
  CHECK(records[1].grade.state == grid[3].grade.state);
  CHECK(records[1].sample.task == "t");
  CHECK(records[1].sample.context.empty());
  CHECK(context_of(records[1]) == context_name(grid[3].sample));  // statistics use this name
  CHECK(records[1].kept_bytes == grid[3].kept_bytes);
}

TEST_CASE("A finished run has the same bytes whatever order its answers came in") {
  const auto grid = grid_records(5);
  const std::string expected = lines_of(grid);
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const TempDir dir;
    const auto arrived = shuffled(grid, seed);
    {
      RecordStore store = open(dir.path());
      for (std::size_t i = 0; i < seed * 4; ++i) store.add(arrived[i]);
    }
    RecordStore store = open(dir.path());
    for (std::size_t i = seed * 4; i < arrived.size(); ++i) store.add(arrived[i]);
    CHECK(read_text_file(file_of(dir.path())) != expected);
    store.finish();
    CHECK(read_text_file(file_of(dir.path())) == expected);
    store.finish();
    CHECK(read_text_file(file_of(dir.path())) == expected);
    CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
  }
}

TEST_CASE("A finished run can be extended, and is sorted again") {
  const TempDir dir;
  const auto grid = grid_records(3);
  RecordStore store = open(dir.path());
  for (const std::size_t i : {5u, 2u, 11u}) store.add(grid[i]);
  store.finish();
  for (const std::size_t i : {7u, 1u}) store.add(grid[i]);
  CHECK(read_text_file(file_of(dir.path())) == lines_of({grid[2], grid[5], grid[11], grid[7], grid[1]}));
  store.finish();
  CHECK(read_text_file(file_of(dir.path())) == lines_of({grid[1], grid[2], grid[5], grid[7], grid[11]}));
}

TEST_CASE("The record of an answer that was not run is replaced by its grade, and the last line counts") {
  const TempDir dir;
  auto grid = grid_records(2);
  Record waiting = grid[1], graded = grid[1];
  waiting.grade.state = kNotRun;
  graded.grade.state = "passed";
  {
    RecordStore store = open(dir.path());
    store.add(grid[0]);
    store.add(waiting);
    const auto found = store.whole_records([](const Record& record) { return record.grade.state == kNotRun; });
    REQUIRE(found.size() == 1);
    CHECK(to_json(found[0], grid_tasks()) == to_json(waiting, grid_tasks()));  // with its texts
    store.replace(graded);
    CHECK(read_text_file(file_of(dir.path())) == lines_of({grid[0], waiting, graded}));
  }
  RecordStore store = open(dir.path());  // as after a kill
  CHECK(store.records().at(1).grade.state == "passed");
  store.finish();
  CHECK(read_text_file(file_of(dir.path())) == lines_of({grid[0], graded}));
}

TEST_CASE("An incomplete last line is dropped, wherever it ends") {
  const auto grid = grid_records(1);
  const std::string whole = lines_of({grid[0], grid[1]}), torn = lines_of({grid[2]});
  for (std::size_t cut = 0; cut < torn.size(); ++cut) {
    const TempDir dir;
    dir.write("records.jsonl", whole + torn.substr(0, cut));
    RecordStore store = open(dir.path());
    CHECK(store.records().size() == 2);
    CHECK(read_text_file(file_of(dir.path())) == whole);
    store.add(grid[2]);
    CHECK(read_text_file(file_of(dir.path())) == whole + torn);
  }
}

TEST_CASE("A damaged line is an error that names its number, and the file is left unchanged") {
  const TempDir dir;
  const auto grid = grid_records(1);
  const auto message = [&](const std::string& text) {
    const std::string error = error_of([&] { dir.write("records.jsonl", text), open(dir.path()); });
    CHECK(read_text_file(file_of(dir.path())) == text);
    return error.starts_with(file_of(dir.path()) + ": ") ? error.substr(file_of(dir.path()).size() + 2) : error;
  };
  const std::string first = lines_of({grid[0]}), last = lines_of({grid[1]});
  CHECK(message(first + last.substr(0, 40) + "\n" + last).starts_with("line 2: expected a JSON object, found {"));
  CHECK(message(first + last.substr(0, 40) + "\n").starts_with("line 2: expected a JSON object, found {"));
  CHECK(message(first + "\n" + last + "torn").starts_with("line 2: expected a JSON object"));
  CHECK(message(first + std::string(30, '\0') + "\n").starts_with("line 2: expected a JSON object"));
  CHECK(message(first + "{\"key\":1}\n") == "line 2: column key: expected a string, found a number");
  CHECK(message(first + last + first) == "line 3: expected each answer once, found it again");
  CHECK(message(std::string(100'000, '[') + "\n").starts_with("line 1: expected a JSON object"));
}

TEST_CASE("Records of another run are refused, and the error says what differs if the configuration shows it") {
  const TempDir dir;
  open(dir.path()).add(grid_records(1)[0]);
  const std::string before = read_text_file(file_of(dir.path()));
  const auto message = [&](const std::string& config) {
    const std::string error = error_of([&] { open(dir.path(), "0123456789abcdee", config); });
    return error.starts_with(dir.path() + ": ") ? error.substr(dir.path().size() + 2) : error;
  };
  const std::string unknown =
      "holds records of another run (of another model, data, version, dtype or kernel path); choose another --out";
  CHECK(message("dtype: f32\n") == unknown);
  dir.write("config.yaml", "seed: 1\ndtype: f32\n");
  CHECK(message("seed: 1\ndtype: f32\n") == unknown);
  CHECK(message("seed: 1\ndtype: bf16\n") ==
        "holds records of another run (with dtype: f32, now with dtype: bf16); choose another --out");
  CHECK(message("seed: 1\n") ==
        "holds records of another run (with dtype: f32, now with nothing); choose another --out");
  dir.write("config.yaml", "dtype: f32\nmodel: a\nthreads: 1\n");
  CHECK(message("dtype: f32\nmodel: a\nthreads: 2\n") == unknown);  // no key depends on the threads
  dir.write("run.json", "{\"kernel_path\": \"abacus\"}");
  CHECK(message("dtype: f32\nmodel: b\nthreads: 2\n") ==
        "holds records of another run (with kernel path: abacus, now with kernel path: sse); choose another --out");
  CHECK(read_text_file(file_of(dir.path())) == before);
}

TEST_CASE("Two runs cannot write into one directory") {
  const TempDir dir;
  const std::string refusal =
      dir.path() + ": another run is using this directory; wait for its end or choose another --out";
  {
    RecordStore store = open(dir.path());
    CHECK(error_of([&] { open(dir.path()); }) == refusal);
    store.add(grid_records(1)[0]);
    store.finish();
    CHECK(error_of([&] { open(dir.path()); }) == refusal);
  }
  CHECK(open(dir.path()).records().size() == 1);
}

TEST_CASE("A full disk is an error that loses nothing") {
  const TempDir dir;
  const auto grid = grid_records(4);
  const auto limited = [&](std::size_t bytes, auto&& work) {
    struct rlimit old {};
    ::getrlimit(RLIMIT_FSIZE, &old);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit {
      bytes, old.rlim_max
    };
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string error = error_of(work);
    ::setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, handler);
    return error;
  };
  const std::string two = lines_of({grid[1], grid[0]});
  {
    RecordStore store = open(dir.path());
    store.add(grid[1]);
    store.add(grid[0]);
    CHECK(limited(two.size() + 50, [&] { store.add(grid[2]); }) ==
          file_of(dir.path()) + ": cannot write: File too large");
    CHECK(read_text_file(file_of(dir.path())) == two);
    CHECK_FALSE(contains(store, grid[2]));
    CHECK(limited(two.size() - 1, [&] { store.finish(); }) ==
          file_of(dir.path()) + ".tmp: cannot write: File too large");
    CHECK(read_text_file(file_of(dir.path())) == two);
    CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
  }
  complete(dir.path(), grid, 0);
  CHECK(read_text_file(file_of(dir.path())) == lines_of(grid));
}

TEST_CASE("A directory that cannot be used is an error") {
  const TempDir dir;
  dir.write("file", "");
  CHECK(error_of([&] { open(dir.path() + "/file"); }) ==
        dir.path() + "/file: cannot create the directory: Not a directory");
  std::filesystem::create_directories(dir.path() + "/out/records.jsonl");
  CHECK(error_of([&] { open(dir.path() + "/out"); }) == file_of(dir.path() + "/out") + ": cannot open: Is a directory");
}

TEST_CASE("A record that could not be read again is refused before it is written") {
  const TempDir dir;
  RecordStore store = open(dir.path());
  Record record = grid_records(1)[0];
  record.predicted_answer = "\xff";
  CHECK(error_of([&] { store.add(record); }).starts_with(file_of(dir.path()) + ": record: expected a JSON object"));
  CHECK(read_text_file(file_of(dir.path())).empty());
}

TEST_CASE("A run that is killed 20 times goes on each time and ends with the same bytes") {
  const TempDir dir;
  const auto grid = grid_records(60);
  const std::string path = file_of(dir.path());
  SplitMix64 random(4);
  const auto size = [&] { return std::filesystem::exists(path) ? std::filesystem::file_size(path) : 0; };
  for (int kill = 0; kill < 20; ++kill) {
    const auto before = size();
    const auto arrived = shuffled(grid, random.next());
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        complete(dir.path(), arrived, 500);
      } catch (const std::exception&) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    for (int wait = 0; wait < 100'000 && size() <= before && ::waitpid(child, nullptr, WNOHANG) == 0; ++wait)
      ::usleep(100);
    ::usleep(static_cast<unsigned>(random.next() % 3000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));  // killed: neither finished nor failed
    REQUIRE(size() > before);
    if (kill % 3 == 0) std::filesystem::resize_file(path, size() - 1 - random.next() % 100);  // as a torn write does
  }
  complete(dir.path(), shuffled(grid, random.next()), 0);
  CHECK(read_text_file(path) == lines_of(grid));
}
