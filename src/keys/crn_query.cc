#include "keys/crn_query.h"

#include <algorithm>
#include <span>

#include "keys/key_rules.h"

namespace keyhaven::keys {
namespace {

// The segments of `crn` into `out`; the last one takes the rest. Returns how many there are.
std::size_t split(std::string_view crn, std::span<std::string_view> out) noexcept {
  std::size_t count = 0;
  while (count + 1 < out.size()) {
    const std::size_t colon = crn.find(':');
    if (colon == std::string_view::npos) break;
    out[count++] = crn.substr(0, colon);
    crn.remove_prefix(colon + 1);
  }
  out[count++] = crn;
  return count;
}

Error bad_query(std::string message) {
  return {Reason::InvalidQueryParam, std::move(message), "urlEncodedResourceCRNQuery"};
}

}  // namespace

Result<void> check_resource_crn(std::string_view crn) {
  const auto refused = [](std::string message) {
    return Error{Reason::InvalidField, std::move(message), "resourceCrn"};
  };
  if (crn.size() > kMaxResourceCrnBytes) {
    return refused("a resource CRN has at most " + std::to_string(kMaxResourceCrnBytes) + " bytes");
  }
  const bool odd = std::any_of(crn.begin(), crn.end(),
                               [](unsigned char c) { return c <= 0x20 || c == 0x7f || c == '*'; });
  if (odd || count_characters(crn) == kInvalidUtf8) {
    return refused("a resource CRN is UTF-8 without blanks, control characters and '*'");
  }
  std::array<std::string_view, kCrnSegments> segments;
  if (split(crn, segments) < kOwnerSegments || segments[0] != "crn" || segments[1] != "v1" ||
      segments[kOwnerSegments - 1].empty()) {
    return refused(
        "a resource CRN reaches at least the service instance, for instance "
        "crn:v1:bluemix:public:databases:eu-de:a/<account>:<instance>::");
  }
  return {};
}

bool is_owned_by(std::string_view crn, std::string_view service_crn) noexcept {
  return !service_crn.empty() && crn.starts_with(service_crn) &&
         (crn.size() == service_crn.size() || crn[service_crn.size()] == ':');
}

Result<CrnQuery> CrnQuery::parse(std::string_view text) {
  if (text.size() > kMaxResourceCrnBytes) {
    return bad_query("a CRN query has at most " + std::to_string(kMaxResourceCrnBytes) + " bytes");
  }
  std::array<std::string_view, kCrnSegments> segments;
  if (split(text, segments) != kCrnSegments || segments[0] != "crn") {
    return bad_query("a CRN query names all ten segments of a CRN; \"*\" stands for any of them");
  }
  CrnQuery out;
  for (std::size_t i = 0; i < kCrnSegments; ++i) {
    std::string_view segment = segments[i];
    const std::size_t star = segment.find('*');
    const bool last = i + 1 == kCrnSegments;
    if (star != std::string_view::npos && (star + 1 != segment.size() || (star != 0 && !last))) {
      return bad_query(
          "\"*\" stands for a whole segment of the CRN, or at the end of the last one for any "
          "continuation");
    }
    out.segments_[i].open = star != std::string_view::npos;
    if (out.segments_[i].open) segment.remove_suffix(1);
    out.segments_[i].text = segment;
  }
  return out;
}

CrnQuery CrnQuery::all_of(std::string_view service_crn) {
  CrnQuery out;
  out.restrict_to(service_crn);
  for (std::size_t i = kOwnerSegments; i < kCrnSegments; ++i) out.segments_[i].open = true;
  return out;
}

void CrnQuery::restrict_to(std::string_view service_crn) {
  std::array<std::string_view, kOwnerSegments> owner;
  split(service_crn, owner);
  for (std::size_t i = 0; i < kOwnerSegments; ++i) segments_[i] = {std::string(owner[i]), false};
}

bool CrnQuery::matches(std::string_view crn) const noexcept {
  std::array<std::string_view, kCrnSegments> segments;
  split(crn, segments);
  for (std::size_t i = 0; i < kCrnSegments; ++i) {
    const Segment& wanted = segments_[i];
    if (!segments[i].starts_with(wanted.text)) return false;
    if (!wanted.open && segments[i].size() != wanted.text.size()) return false;
  }
  return true;
}

}  // namespace keyhaven::keys
