// Statements of a plan's tables: total; numbers stand for known names, each once.
#include "fuzz.h"
#include "tables/table.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  tables::TableSpec spec;
  spec.name = "t";
  spec.kind = "postgresql";
  spec.connection = "dbname=x";
  spec.query = "SELECT 1";
  spec.update = std::string(as_text(in));
  const auto numbered = tables::with_numbers(spec.update);
  const bool is_good = tables::check(spec).has_value();
  KH_ASSERT(numbered || !is_good);
  if (!numbered) return;
  for (const std::size_t parameter : numbered->parameters) KH_ASSERT(parameter < 5);
  for (std::size_t n = 1; n <= numbered->parameters.size(); ++n)
    KH_ASSERT(numbered->sql.find("$" + std::to_string(n)) != std::string::npos);
  KH_ASSERT(!is_good || numbered->parameters.size() >= 3);
}
