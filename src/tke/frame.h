// The text frames of the administration protocol: HTPRequest and HTPResponse, and the CPRB inside.
//
//   request   L;PCI request;XPNUM   ;M;        ;H      M module index, H the CPRB in upper-case
//   hexadecimal response  L;info;H                                 info 156 characters, H only when
//   the error type is 00 L is the number of characters after the number, from the first semicolon
//   on.
//
// The parsers are total: any input gives a value or an error, sizes are checked first.
// Source: compatibility notes, instances-tke-iam.md 3.2 and 3.3; docs/protocols/tke.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace keyhaven::tke {

inline constexpr std::size_t kMaxFrameCharacters = 64 * 1024;
inline constexpr std::size_t kCprbSize = 32;
inline constexpr std::size_t kFrameInfoSize = 156;

struct Request {
  std::uint32_t module_index = 0;
  std::uint32_t domain_index = 0;
  Bytes payload;  // DER, see admin.h
  bool operator==(const Request&) const = default;
};

// What the response frame says when the request never reached the crypto unit. Text without ';', at
// most 100 characters (longer is cut).
struct HtpError {
  std::uint32_t type = 0;  // 9 syntax of the request, 11 internal, 3 crypto module
  std::uint32_t return_code = 0;
  std::uint32_t reason_code = 0;
  std::string text;
};

// Errors: InvalidArgument; `why`, if given, receives what the response frame should say (9-1, 9-4,
// 9-43, ...).
Result<Request> parse_request(std::string_view text, HtpError* why = nullptr);
std::string format_request(const Request& request);

// A response that carries a payload, with the CPRB's own return and reason code (non-zero is a
// failure too).
struct Response {
  std::uint32_t domain_index = 0;
  std::uint16_t return_code = 0;
  std::uint16_t reason_code = 0;
  Bytes payload;
  bool operator==(const Response&) const = default;
};

// Errors: InvalidArgument for what is no response frame; UnitUnavailable with type, return, reason
// and text when the frame reports an error, or when the CPRB does.
Result<Response> parse_response(std::string_view text);
std::string format_response(const Response& response);
std::string format_error_response(const HtpError& error);

}  // namespace keyhaven::tke
