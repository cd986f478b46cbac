// Rows of inventories: JSON Lines, and the AAD cells of CSV.
#include "migrate/inventory.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const std::string_view line = as_text(in);
  if (const auto row = migrate::parse_json_row(line)) {
    std::string again;
    migrate::append_row(again, {migrate::InventoryFormat::JsonLines, {}}, *row);
    KH_ASSERT(again.find('\n') == again.size() - 1);
    const auto same = migrate::parse_json_row(again);
    KH_ASSERT(same && same->key == row->key && same->wdek == row->wdek && same->aad == row->aad &&
              same->ref == row->ref);
  }
  if (const auto aad = migrate::parse_aad(line)) KH_ASSERT(aad->size() <= 255);
}
