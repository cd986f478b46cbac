// The CSV reader: total, and what it reads is written and read back the same.
#include "migrate/csv.h"

#include <sstream>

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  std::istringstream text{std::string(as_text(in))};
  migrate::CsvReader reader(text);
  std::uint64_t last = 0;
  std::size_t items = 0;
  while (true) {
    const auto record = reader.next();
    KH_ASSERT(++items <= in.size() + 1);  // every item takes at least one line
    if (record && !*record) break;
    KH_ASSERT(reader.line() > last);
    last = reader.line();
    if (!record) continue;
    const auto& fields = (**record).fields;
    KH_ASSERT(!fields.empty() && fields.size() <= migrate::kMaxCsvFields);
    std::string again;
    migrate::append_csv(again, {fields.begin(), fields.end()});
    std::istringstream second(again);
    const auto same = migrate::CsvReader(second).next();
    KH_ASSERT(same && *same && (**same).fields == fields);
  }
}
