// HTPRequest and HTPResponse texts.
#include "tke/frame.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const std::string_view text = as_text(in);
  tke::HtpError why;
  if (const auto request = tke::parse_request(text, &why)) {
    KH_ASSERT(tke::parse_request(tke::format_request(*request)).value() == *request);
  } else {
    const auto error = tke::parse_response(tke::format_error_response(why));
    KH_ASSERT(!error && error.error().reason == Reason::UnitUnavailable);
  }
  if (const auto response = tke::parse_response(text))
    KH_ASSERT(tke::parse_response(tke::format_response(*response)).value() == *response);
}
