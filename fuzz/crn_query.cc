// CRN queries and resource CRNs: a query, a line feed, the CRN that it is held against.
#include "keys/crn_query.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  constexpr std::string_view kService = "crn:v1:bluemix:public:databases:eu-de:a/acc:inst";
  const std::string_view text = as_text(in);
  const std::size_t end = text.find('\n');
  const std::string_view crn = end == std::string_view::npos ? text : text.substr(end + 1);
  const bool is_crn = static_cast<bool>(keys::check_resource_crn(crn));
  const bool owned = keys::is_owned_by(crn, kService);
  // A service sees exactly what it owns.
  if (is_crn) KH_ASSERT(keys::CrnQuery::all_of(kService).matches(crn) == owned);
  auto query = keys::CrnQuery::parse(text.substr(0, end));
  if (!query) return;
  static_cast<void>(query->matches(crn));
  query->restrict_to(kService);
  if (is_crn && query->matches(crn)) KH_ASSERT(owned);
  // A CRN of ten segments is a query for itself.
  if (auto exact = keys::CrnQuery::parse(crn); is_crn && exact) KH_ASSERT(exact->matches(crn));
}
