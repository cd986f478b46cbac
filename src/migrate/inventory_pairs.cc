// Pairs of an old and a new inventory: two files side by side, or each file of a directory with its
// counterpart.
#include <charconv>
#include <filesystem>

#include "migrate/directory_inventory.h"
#include "migrate/rewrap.h"
#include "migrate/verify_deks.h"

namespace keyhaven::migrate {
namespace {

// Lines that rewrap refused, from its list, which is in their order; they have no partner in the
// new inventory.
class Refused {
 public:
  // A list that is not there names nothing: unequal lengths are found by who compares.
  Result<void> open(const std::string& path) {
    path_ = path;
    in_.open(path, std::ios::binary);
    if (!in_) return {};
    reader_.emplace(in_);
    const auto header = reader_->next();
    if (!header || !*header || (**header).fields.size() != 4) return foreign();
    return advance();
  }
  // Why `line` was refused; lines are asked for in their order. Errors: Conflict.
  Result<std::optional<std::string>> take(std::uint64_t line) {
    if (!next_ || next_->first > line) return std::optional<std::string>();
    if (next_->first < line) return foreign();
    std::optional<std::string> why(std::move(next_->second));
    KH_TRY(advance());
    return why;
  }

 private:
  Error foreign() const {
    return Error{Reason::Conflict, path_ + " is not the list of refused rows of this rewrap", {}};
  }
  Result<void> advance() {
    next_.reset();
    const auto record = reader_->next();
    if (!record) return foreign();
    if (!*record) return {};
    const std::vector<std::string>& fields = (**record).fields;
    if (fields.size() != 4) return foreign();
    std::uint64_t line = 0;
    const char* const end = fields[0].data() + fields[0].size();
    const auto parsed = std::from_chars(fields[0].data(), end, line);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return foreign();
    next_.emplace(line, fields[3]);
    return {};
  }
  std::string path_;
  std::ifstream in_;
  std::optional<CsvReader> reader_;
  std::optional<std::pair<std::uint64_t, std::string>> next_;
};

class FilePairs final : public DekPairs {
 public:
  static Result<std::unique_ptr<DekPairs>> open(const VerifyOptions& options) {
    auto out = std::make_unique<FilePairs>();
    out->before_ = KH_TRY(InventoryReader::open(options.inventory));
    out->after_ = KH_TRY(InventoryReader::open(options.rewrapped));
    KH_TRY(out->refused_.open(errors_path(options.rewrapped)));
    return std::unique_ptr<DekPairs>(std::move(out));
  }

  Result<std::optional<DekPair>> next() override {
    std::optional<InventoryItem> before = KH_TRY(before_->next());
    if (!before) {
      const auto left = KH_TRY(after_->next());
      if (left) return mismatch("has more rows than");
      return std::optional<DekPair>();
    }
    DekPair pair;
    pair.line = before->line;
    if (const auto why = KH_TRY(refused_.take(before->line)); why) {
      pair.refused = "refused at rewrap: " + *why;
    } else if (!before->row) {
      pair.refused = before->problem;
    } else {
      std::optional<InventoryItem> after = KH_TRY(after_->next());
      if (!after || !after->row) return mismatch("has fewer readable rows than");
      if (after->row->ref != before->row->ref) return mismatch("names other references than");
      pair.before = std::move(*before->row);
      pair.after = std::move(*after->row);
    }
    return std::optional<DekPair>(std::move(pair));
  }

 private:
  static Error mismatch(const char* how) {
    return Error{
        Reason::Conflict,
        std::string("the re-wrapped inventory ") + how +
            " the old one; verify the file that `keyhaven migrate rewrap` made of this inventory",
        {}};
  }
  std::unique_ptr<InventoryReader> before_;
  std::unique_ptr<InventoryReader> after_;
  Refused refused_;
};

class DirectoryPairs final : public DekPairs {
 public:
  DirectoryPairs(DekDirectory before, DekDirectory after, const DekRoutes& routes)
      : before_(std::move(before)), after_(std::move(after)), routes_(routes) {}

  Result<std::optional<DekPair>> next() override {
    std::optional<DekFile> file = KH_TRY(before_.next());
    if (!file) return std::optional<DekPair>();
    DekPair pair;
    pair.line = file->number;
    pair.name = file->path;
    if (!file->row) {
      pair.refused = file->problem;
      return std::optional<DekPair>(std::move(pair));
    }
    const DekRoute& route = routes_.find(file->row->key);
    const bool by_rule = !before_.rule().is_empty() && route.refusal.empty();
    const std::string path =
        by_rule ? before_.rule().with_key(file->path, DekRoutes::target_name(route, file->row->key))
                : file->path;
    DekFile after = after_.read(path);
    if (!after.row) pair.refused = "the new file " + path + ": " + after.problem;
    pair.before = std::move(*file->row);
    if (after.row) pair.after = std::move(*after.row);
    return std::optional<DekPair>(std::move(pair));
  }

 private:
  DekDirectory before_;
  DekDirectory after_;
  const DekRoutes& routes_;
};

}  // namespace

Result<std::unique_ptr<DekPairs>> open_pairs(const VerifyOptions& options,
                                             const DekRoutes& routes) {
  std::error_code none;
  if (!std::filesystem::is_directory(options.inventory, none)) return FilePairs::open(options);
  DekDirectory before = KH_TRY(DekDirectory::open(options.inventory, options.name_rule));
  DekDirectory after = KH_TRY(DekDirectory::open(options.rewrapped, options.name_rule));
  return std::unique_ptr<DekPairs>(
      std::make_unique<DirectoryPairs>(std::move(before), std::move(after), routes));
}

}  // namespace keyhaven::migrate
