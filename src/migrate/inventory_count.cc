#include "migrate/inventory_count.h"

#include "migrate/directory_inventory.h"

namespace keyhaven::migrate {

Result<InventoryCount> count_inventory(const std::string& path, const std::string& rule) {
  InventoryCount count;
  KH_TRY(visit_inventory(path, rule, [&count](const InventoryItem& item) {
    if (!item.row) {
      ++count.bad;
    } else if (count.rows.size() < kMaxCountedNames || count.rows.contains(item.row->key)) {
      ++count.rows[item.row->key];
    } else {
      ++count.others;
    }
  }));
  return count;
}

Result<std::set<std::string>> names_in(const std::string& path, const std::string& rule) {
  const InventoryCount count = KH_TRY(count_inventory(path, rule));
  std::set<std::string> names;
  for (const auto& [name, rows] : count.rows) names.insert(name);
  return names;
}

}  // namespace keyhaven::migrate
