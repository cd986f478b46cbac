// The migrations of a directory, for the console to show: plans, their journals and reports.
#pragma once

#include <memory>
#include <string>

#include "console/console.h"

namespace keyhaven::cli {

inline constexpr std::size_t kMaxShownMigrations = 100;

// `directory` is read at each question, so that what runs meanwhile shows. A plan is a file that
// `keyhaven migrate plan` has written; its journal is PLAN.journal; its reports are the files of
// `keyhaven migrate report` (JSON or page) that name it. Errors: InvalidArgument when there is no
// such directory.
Result<std::unique_ptr<console::Migrations>> migrations_in(const std::string& directory);

}  // namespace keyhaven::cli
