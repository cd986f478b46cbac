// An inventory that is a directory: one file per wrapped DEK, base64 text; anything below it, links
// and hidden names left out. Read as a stream in the order of the file system.
#pragma once

#include <ctime>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "migrate/inventory.h"

namespace keyhaven::migrate {

// How the path of a file below the directory tells key and AAD: text with {key} (once), {ref} and
// {aad}, e.g. "{key}/{ref}.wdek". {key} and {aad} (one entry) hold no slash; each takes as little
// as it can. Empty: there is no rule, and beside each FILE is FILE.json with "key", an optional
// list "aad", and whatever else its owner keeps there. Immutable.
class NameRule {
 public:
  NameRule() = default;
  // Errors: InvalidArgument.
  static Result<NameRule> parse(std::string_view text);
  bool is_empty() const noexcept { return parts_.empty(); }
  // Key and AAD of a path. Errors: InvalidArgument (the path is not as the rule says).
  Result<InventoryRow> read(const std::string& path) const;
  // The path with another key in the place of its own.
  std::string with_key(const std::string& path, const std::string& key) const;

 private:
  struct Part {
    std::string text;  // literal, or the name within braces
    bool is_name = false;
  };
  // The value of each part; empty when the path does not fit.
  std::vector<std::string> match(const std::string& path) const;
  std::vector<Part> parts_;
};

struct DekFile {
  std::uint64_t number = 0;         // of this walk, from 1
  std::string path;                 // below the directory
  std::optional<InventoryRow> row;  // its ref is the path
  std::string problem;              // set when `row` is not
  std::string ending;               // white space after the base64, kept in the new file
  std::string sidecar;              // its text; empty with a rule
  timespec modified{};
  timespec sidecar_modified{};
};

// Not thread-safe.
class DekDirectory {
 public:
  // Errors: Io, InvalidArgument (the rule).
  static Result<DekDirectory> open(const std::string& path, std::string_view rule);
  // nullopt at the end. Errors: Io.
  Result<std::optional<DekFile>> next();
  // One file by its path below the directory. A file that cannot be read is its `problem`.
  DekFile read(const std::string& path) const;
  const std::string& root() const noexcept { return root_; }
  const NameRule& rule() const noexcept { return rule_; }

 private:
  DekDirectory(std::string root, NameRule rule) : root_(std::move(root)), rule_(std::move(rule)) {}
  Result<bool> is_sidecar(const std::string& path) const;
  std::string root_;
  NameRule rule_;
  std::filesystem::recursive_directory_iterator at_;
  std::uint64_t number_ = 0;
};

// FILE.json
std::string sidecar_of(const std::string& path);
// The sidecar's text with another key, all else as it was.
std::string sidecar_with_key(const std::string& sidecar, const std::string& key);

// Every row, or what is none, of an inventory that is a file or a directory. Errors: those of the
// readers.
Result<void> visit_inventory(const std::string& path, std::string_view rule,
                             const std::function<void(const InventoryItem&)>& visit);

}  // namespace keyhaven::migrate
