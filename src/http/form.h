// application/x-www-form-urlencoded bodies, decoded in place: a form may hold a credential, and the
// body is the one buffer that is wiped after the answer.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyhaven::http {

inline constexpr std::size_t kMaxFormBytes = 16 * 1024;
inline constexpr std::size_t kMaxFormFields = 32;

class Form {
 public:
  // Decodes `body` and keeps views into it. Errors: BadBody (too large, too many fields, a broken
  // escape).
  static Result<Form> decode(std::span<std::uint8_t> body);
  // The value of a field that is there exactly once; nothing for none or several.
  std::optional<std::string_view> field(std::string_view name) const;

 private:
  struct Field {
    std::string_view name;
    std::string_view value;
  };
  std::vector<Field> fields_;
};

}  // namespace keyhaven::http
