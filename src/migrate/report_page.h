// The report as one page that needs nothing else: to read, print and keep.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "migrate/report.h"

namespace keyhaven::migrate {

// The same report gives the same bytes. Every text of the report is escaped; the page runs no
// script and loads nothing.
std::string to_page(const Report& report);

// The report that a page carries. Errors: InvalidArgument (no such page).
Result<Report> report_from_page(std::string_view page);

}  // namespace keyhaven::migrate
