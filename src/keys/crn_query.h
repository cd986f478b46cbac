// Resource names in registrations: whose resource one is, and which ones a query means
// (key-management-api.md 13.1).
//
// A CRN has ten segments with colons between; the first eight name a service instance, the last one
// may itself contain colons. Segments that are left out at the end are empty.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"

namespace keyhaven::keys {

inline constexpr std::size_t kMaxResourceCrnBytes = 1024;
inline constexpr std::size_t kCrnSegments = 10;
inline constexpr std::size_t kOwnerSegments = 8;

// Whether `crn` can name a registered resource: UTF-8 without blanks, control characters and '*',
// reaching at least the service instance. Errors: InvalidField (resourceCrn).
Result<void> check_resource_crn(std::string_view crn);

// Whether the first eight segments of `crn` are `service_crn`.
bool is_owned_by(std::string_view crn, std::string_view service_crn) noexcept;

class CrnQuery {
 public:
  // All ten segments; "*" stands for any text of a segment, "text*" for a beginning of the last
  // one. Errors: InvalidQueryParam (urlEncodedResourceCRNQuery).
  static Result<CrnQuery> parse(std::string_view text);
  // Everything that a service owns.
  static CrnQuery all_of(std::string_view service_crn);

  // Replaces the first eight segments: a service sees its own resources only.
  void restrict_to(std::string_view service_crn);
  bool matches(std::string_view crn) const noexcept;

 private:
  struct Segment {
    std::string text;
    bool open = false;  // any text may follow
  };
  std::array<Segment, kCrnSegments> segments_;
};

}  // namespace keyhaven::keys
