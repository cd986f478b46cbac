// What an inventory, file or directory, holds per key.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/result.h"

namespace keyhaven::migrate {

// How many rows name each key (as written there), and how many rows are bad. Only the first
// kMaxCountedNames names are kept apart: an inventory may be hostile, memory stays flat.
inline constexpr std::size_t kMaxCountedNames = 100'000;
struct InventoryCount {
  std::map<std::string, std::uint64_t> rows;
  std::uint64_t others = 0;  // rows of further names
  std::uint64_t bad = 0;
};

// `rule`: the NameRule of a directory. Errors: those of the readers.
Result<InventoryCount> count_inventory(const std::string& path, const std::string& rule = {});
// The different names of keys; as many as count_inventory keeps apart.
Result<std::set<std::string>> names_in(const std::string& path, const std::string& rule = {});

}  // namespace keyhaven::migrate
