// Rewrap of a directory with a file per wrapped DEK. The new directory mirrors the old one. As
// rsync does, a new file takes the modification time of its old one: a run that finds it so has
// nothing to do, and needs no memory of what was done.
#include <fcntl.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "migrate/directory_inventory.h"
#include "migrate/rewrap_run.h"
#include "migrate/row_blocks.h"

namespace keyhaven::migrate {
namespace {

namespace fs = std::filesystem;

// Names what a directory was made from; hidden, so it is no DEK.
constexpr std::string_view kMarker = ".keyhaven-rewrap.json";
constexpr std::size_t kMaxMarkerBytes = 4096;

std::string canonical(const std::string& path) {
  std::error_code failed;
  const fs::path out = fs::weakly_canonical(path, failed);
  return (failed ? fs::path(path) : out).native() + "/";
}

// The new directory, ours from an earlier run or empty. Errors: Conflict, InvalidArgument, Io.
Result<void> take(const RewrapRun& run) {
  const std::string& out = run.options.out;
  const std::string from = canonical(run.options.inventory), to = canonical(out);
  if (from.starts_with(to) || to.starts_with(from)) {
    return Error{Reason::InvalidArgument,
                 "the new directory must not be within the old one, nor the old one within it",
                 {}};
  }
  KH_TRY(make_directory(out, 0700));
  const std::string marker = out + "/" + std::string(kMarker);
  const std::string want =
      boost::json::serialize(boost::json::object{{"routes", run.routes.digest()},
                                                 {"inventory", from},
                                                 {"name_rule", run.options.name_rule}}) +
      "\n";
  auto found = read_file(marker, kMaxMarkerBytes);
  if (found && as_text(*found) == want) return {};
  std::error_code failed;
  if (found || !fs::is_empty(out, failed)) {
    return Error{Reason::Conflict,
                 "the directory " + out +
                     " holds something else than what this plan makes of this inventory; name an "
                     "empty one",
                 {}};
  }
  return write_file_atomic(marker, as_bytes(want), 0600);
}

bool is_same_time(const std::string& path, const timespec& time) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         status.st_mtim.tv_sec == time.tv_sec && status.st_mtim.tv_nsec == time.tv_nsec;
}

Result<void> write_with_time(const std::string& path, std::string_view text, const timespec& time) {
  KH_TRY(write_file_atomic(path, as_bytes(text), 0600));
  const timespec times[2] = {{0, UTIME_OMIT}, time};
  if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0) return {};
  return Error{Reason::Io, "cannot set the time of " + path + ": " + std::strerror(errno), {}};
}

struct FileOutcome {
  RowOutcome row;
  bool was_done = false;
  DekFile file;
  std::string path;  // of the new file
};

class DirectoryRewrap {
 public:
  DirectoryRewrap(const RewrapRun& run, DekDirectory in, AtomicOutput errors,
                  std::optional<RowProgram> program)
      : run_(run),
        in_(std::move(in)),
        errors_(std::move(errors)),
        problems_(errors_, run.observer),
        program_(std::move(program)) {}

  Result<RewrapResult> carry_out() {
    KH_TRY(problems_.begin());
    KH_TRY((work_in_blocks<DekFile, FileOutcome>(
        run_.workers, [this](std::size_t most) { return read(most); },
        [this](DekWorker& worker, DekFile& file) { return move_file(worker, std::move(file)); },
        [this](std::vector<FileOutcome>&& block) { return emit(block); })));
    if (program_) KH_TRY(program_->finish());
    KH_TRY(errors_.finish());
    return result_;
  }

 private:
  Result<std::vector<DekFile>> read(std::size_t most) {
    std::vector<DekFile> files;
    while (files.size() < most) {
      std::optional<DekFile> file = KH_TRY(in_.next());
      if (!file) break;
      files.push_back(std::move(*file));
    }
    return files;
  }

  // Where the new file is: with a rule the path names the key.
  std::string new_path(const DekFile& file, const std::string& key) const {
    return run_.options.out + "/" +
           (in_.rule().is_empty() ? file.path : in_.rule().with_key(file.path, key));
  }

  FileOutcome move_file(DekWorker& worker, DekFile&& file) const {
    FileOutcome out;
    if (file.row) {
      const DekRoute& route = run_.routes.find(file.row->key);
      const std::string path =
          route.refusal.empty() ? new_path(file, DekRoutes::target_name(route, file.row->key)) : "";
      out.was_done =
          !path.empty() && is_same_time(path, file.modified) &&
          (!in_.rule().is_empty() || is_same_time(sidecar_of(path), file.sidecar_modified));
    }
    if (out.was_done) {
      out.row.row = std::move(*file.row);
      return out;
    }
    InventoryItem item{std::move(file.row), file.number, file.problem, file.path};
    out.row = move_item(worker, run_.routes, std::move(item));
    if (out.row.moved.problem.empty()) out.path = new_path(file, out.row.moved.key);
    out.file = std::move(file);
    return out;
  }

  Result<void> emit(std::vector<FileOutcome>& block) {
    std::vector<RowOutcome> rows;
    std::vector<FileOutcome*> files;
    for (FileOutcome& one : block) {
      result_.went_on_after += one.was_done;
      result_.rewrapped += one.was_done;
      run_.observer.progress(++result_.rows, 0);
      if (one.was_done) continue;
      rows.push_back(std::move(one.row));
      files.push_back(&one);
    }
    KH_TRY(check_outage(rows));
    if (program_) KH_TRY(tell_program(*program_, rows));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].moved.problem.empty()) {
        if (auto written = write(*files[i], rows[i]); !written) return written;
        ++result_.rewrapped;
      } else {
        ++result_.refused;
        KH_TRY(problems_.add(rows[i]));
      }
    }
    return {};
  }

  Result<void> write(const FileOutcome& outcome, const RowOutcome& row) const {
    std::error_code failed;
    fs::create_directories(fs::path(outcome.path).parent_path(), failed);
    if (failed)
      return Error{
          Reason::Io, "cannot make the directory of " + outcome.path + ": " + failed.message(), {}};
    // The file last: it is what an application reads, and what says that both are done.
    if (in_.rule().is_empty()) {
      KH_TRY(write_with_time(sidecar_of(outcome.path),
                             sidecar_with_key(outcome.file.sidecar, row.moved.key),
                             outcome.file.sidecar_modified));
    }
    return write_with_time(outcome.path, row.moved.wdek + outcome.file.ending,
                           outcome.file.modified);
  }

  const RewrapRun& run_;
  DekDirectory in_;
  AtomicOutput errors_;
  ProblemList problems_;
  std::optional<RowProgram> program_;
  RewrapResult result_;
};

}  // namespace

Result<RewrapResult> rewrap_directory(const RewrapRun& run) {
  DekDirectory in = KH_TRY(DekDirectory::open(run.options.inventory, run.options.name_rule));
  KH_TRY(take(run));
  AtomicOutput errors = KH_TRY(AtomicOutput::create(errors_path(run.options.out)));
  auto program = KH_TRY(start_program(run.options));
  return DirectoryRewrap(run, std::move(in), std::move(errors), std::move(program)).carry_out();
}

}  // namespace keyhaven::migrate
