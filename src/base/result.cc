#include "base/result.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace keyhaven {

void fatal(const char* file, int line, const char* what) noexcept {
  char text[512];
  const int n = std::snprintf(text, sizeof text, "keyhaven: fatal: %s (%s:%d)\n", what, file, line);
  if (n > 0) {
    [[maybe_unused]] const auto written = ::write(
        STDERR_FILENO, text,
        static_cast<std::size_t>(n) < sizeof text ? static_cast<std::size_t>(n) : sizeof text - 1);
  }
  std::abort();
}

}  // namespace keyhaven
