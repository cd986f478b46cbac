// Rewrap of a file of rows: CSV or JSON Lines.
#include "migrate/checkpoint.h"
#include "migrate/rewrap_run.h"
#include "migrate/row_blocks.h"

namespace keyhaven::migrate {
namespace {

// One item as the digest of what is done takes it: no two different rows look alike.
void add_to(StreamDigest& digest, const InventoryItem& item) {
  std::string text =
      std::to_string(item.line) + "," + std::to_string(item.problem.size()) + ":" + item.problem;
  if (item.row) {
    for (const std::string* field : {&item.row->key, &item.row->wdek, &item.row->ref})
      text += std::to_string(field->size()) + ":" + *field;
    for (const std::string& entry : item.row->aad)
      text += "," + std::to_string(entry.size()) + ":" + entry;
  }
  digest.update(text + "\n");
}

// The inventory as it is read, and what is known of the part that was read.
class Progress {
 public:
  static Result<Progress> open(const std::string& path) {
    return Progress(KH_TRY(InventoryReader::open(path)));
  }
  Result<std::vector<InventoryItem>> read(std::size_t most) {
    std::vector<InventoryItem> items;
    while (items.size() < most) {
      std::optional<InventoryItem> item = KH_TRY(reader_->next());
      if (!item) break;
      ++rows_;
      add_to(digest_, *item);
      items.push_back(std::move(*item));
    }
    return items;
  }
  // Reads over what is done already. False: it is not as it was.
  Result<bool> skip(const Checkpoint& done) {
    while (rows_ < done.rows) {
      const auto items = KH_TRY(read(std::min<std::uint64_t>(done.rows - rows_, 256)));
      if (items.empty()) return false;
    }
    return digest_.hex() == done.rows_digest;
  }
  const InventoryLayout& layout() const { return reader_->layout(); }
  std::uint64_t rows() const { return rows_; }
  std::string digest() const { return digest_.hex(); }

 private:
  explicit Progress(std::unique_ptr<InventoryReader> reader) : reader_(std::move(reader)) {}
  std::unique_ptr<InventoryReader> reader_;
  std::uint64_t rows_ = 0;
  StreamDigest digest_;
};

struct Files {
  Progress in;
  AtomicOutput out;
  AtomicOutput errors;
};

// What an interrupted run left, or nullopt when it cannot be gone on with.
Result<std::optional<Files>> resume(const RewrapRun& run, const Checkpoint& at) {
  if (at.routes != run.routes.digest()) return std::optional<Files>();
  Progress in = KH_TRY(Progress::open(run.options.inventory));
  const bool is_same = KH_TRY(in.skip(at));
  if (!is_same) return std::optional<Files>();
  auto out = KH_TRY(AtomicOutput::resume(run.options.out, at.out));
  if (!out) return std::optional<Files>();
  auto errors = KH_TRY(AtomicOutput::resume(errors_path(run.options.out), at.errors));
  if (!errors) return std::optional<Files>();
  return std::optional<Files>(Files{std::move(in), std::move(*out), std::move(*errors)});
}

Result<Files> begin(const RewrapRun& run) {
  Progress in = KH_TRY(Progress::open(run.options.inventory));
  AtomicOutput out = KH_TRY(AtomicOutput::create(run.options.out));
  AtomicOutput errors = KH_TRY(AtomicOutput::create(errors_path(run.options.out)));
  KH_TRY(out.write(header_of(in.layout())));
  return Files{std::move(in), std::move(out), std::move(errors)};
}

class FileRewrap {
 public:
  FileRewrap(const RewrapRun& run, Files files, RewrapResult result,
             std::optional<RowProgram> program)
      : run_(run),
        files_(std::move(files)),
        result_(result),
        problems_(files_.errors, run.observer),
        program_(std::move(program)) {}

  Result<RewrapResult> carry_out() {
    if (result_.went_on_after == 0) KH_TRY(problems_.begin());
    KH_TRY((work_in_blocks<InventoryItem, RowOutcome>(
        run_.workers, [this](std::size_t most) { return files_.in.read(most); },
        [this](DekWorker& worker, InventoryItem& item) {
          return move_item(worker, run_.routes, std::move(item));
        },
        [this](std::vector<RowOutcome>&& block) { return emit(std::move(block)); })));
    if (program_) {
      KH_TRY(save());
      KH_TRY(program_->finish());
    }
    KH_TRY(files_.errors.finish());
    KH_TRY(files_.out.finish());
    KH_TRY(clear_checkpoint(run_.journal, run_.options.out));
    return result_;
  }

 private:
  Result<void> emit(std::vector<RowOutcome>&& block) {
    if (auto working = check_outage(block); !working) {
      KH_TRY(save());
      return working;
    }
    if (program_) KH_TRY(tell_program(*program_, block));
    for (RowOutcome& outcome : block) KH_TRY(write(outcome));
    done_ = files_.in.rows();
    done_digest_ = files_.in.digest();
    const std::uint64_t every = program_
                                    ? std::max<std::uint64_t>(run_.options.checkpoint_rows / 4, 1)
                                    : run_.options.checkpoint_rows;
    return done_ - saved_ >= every ? save() : Result<void>();
  }
  Result<void> write(RowOutcome& outcome) {
    run_.observer.progress(++result_.rows, 0);
    if (!outcome.moved.problem.empty()) {
      ++result_.refused;
      return problems_.add(outcome);
    }
    ++result_.rewrapped;
    outcome.row.key = std::move(outcome.moved.key);
    outcome.row.wdek = std::move(outcome.moved.wdek);
    std::string text;
    append_row(text, files_.in.layout(), outcome.row);
    return files_.out.write(text);
  }
  // The rows of blocks that are wholly done; not those of a block that was only read.
  Result<void> save() {
    if (done_ == saved_) return {};
    Checkpoint at;
    at.routes = routes_;
    at.rows = done_;
    at.rows_digest = done_digest_;
    at.rewrapped = result_.rewrapped;
    at.refused = result_.refused;
    at.errors = KH_TRY(files_.errors.mark());
    at.out = KH_TRY(files_.out.mark());
    KH_TRY(save_checkpoint(run_.journal, run_.options.out, at));
    saved_ = done_;
    return {};
  }

  const RewrapRun& run_;
  const std::string routes_ = run_.routes.digest();
  Files files_;
  RewrapResult result_;
  ProblemList problems_;
  std::optional<RowProgram> program_;
  std::uint64_t done_ = result_.went_on_after;
  std::uint64_t saved_ = result_.went_on_after;
  std::string done_digest_;
};

}  // namespace

Result<RewrapResult> rewrap_file(const RewrapRun& run) {
  RewrapResult result;
  std::optional<Files> files;
  if (const auto at = KH_TRY(load_checkpoint(run.journal, run.options.out)); at) {
    auto resumed = KH_TRY(resume(run, *at));
    if (resumed) {
      files.emplace(std::move(*resumed));
      result.rows = result.went_on_after = at->rows;
      result.rewrapped = at->rewrapped;
      result.refused = at->refused;
      run.observer.note("going on after row " + std::to_string(at->rows) + " of the inventory");
    } else {
      run.observer.note(
          "starting anew: the inventory, the keys or what was written has changed since the run "
          "that was interrupted");
    }
  }
  if (!files) {
    Files fresh = KH_TRY(begin(run));
    files.emplace(std::move(fresh));
  }
  auto program = KH_TRY(start_program(run.options));
  return FileRewrap(run, std::move(*files), result, std::move(program)).carry_out();
}

}  // namespace keyhaven::migrate
