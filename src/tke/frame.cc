#include "tke/frame.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/wire.h"

namespace keyhaven::tke {

namespace {

constexpr std::string_view kVerb = "PCI request";
constexpr std::string_view kProgram = "XPNUM   ";
constexpr std::string_view kBlank = "        ";
constexpr std::size_t kTextOffset = 56;

std::optional<std::uint32_t> decimal(std::string_view text) {
  std::uint32_t value = 0;
  if (text.empty() || text.size() > 10) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Cuts the text before the next ';' off `rest`; false when there is none.
bool next_field(std::string_view& rest, std::string_view& field) {
  const std::size_t at = rest.find(';');
  if (at == std::string_view::npos) return false;
  field = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return true;
}

std::string with_length(const std::string& tail) { return std::to_string(tail.size()) + tail; }

std::string padded(std::string text, std::size_t size) {
  text.resize(size, ' ');
  return text;
}

Bytes make_cprb(std::uint32_t domain_index, std::uint16_t return_code, std::uint16_t reason_code,
                ByteView payload) {
  Bytes out;
  out.reserve(kCprbSize + payload.size());
  Writer w(out);
  w.u16(kCprbSize);
  w.u8(4);
  w.u16(0);
  w.u8(0x80);
  w.raw(as_bytes("T4"));
  w.u32(0);
  w.u32(domain_index);
  w.u16(return_code);
  w.u16(reason_code);
  w.u64(0);
  w.u32(static_cast<std::uint32_t>(payload.size()));
  w.raw(payload);
  return out;
}

// Accepts only what make_cprb writes; trailing bytes are an error.
std::optional<Response> read_cprb(ByteView bytes) {
  Reader r(bytes);
  bool good = r.u16() == kCprbSize;
  good &= r.u8() == 4;
  good &= r.u16() == 0;
  good &= r.u8() == 0x80;
  good &= as_text(r.raw(2)) == "T4";
  good &= r.u32() == 0;
  Response out;
  out.domain_index = r.u32();
  out.return_code = r.u16();
  out.reason_code = r.u16();
  good &= r.u64() == 0;
  const std::uint32_t size = r.u32();
  good &= size == r.remaining();
  if (!r.ok() || !good) return std::nullopt;
  out.payload = to_bytes(r.rest());
  return out;
}

Error refuse(HtpError* why, std::uint32_t return_code, std::string text) {
  if (why != nullptr) *why = {9, return_code, 0, text};
  return {Reason::InvalidArgument, "administration frame: " + text, "request"};
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

Result<Request> parse_request(std::string_view text, HtpError* why) {
  if (text.size() > kMaxFrameCharacters) return refuse(why, 43, "larger than 64 KiB");
  const std::size_t first = text.find(';');
  if (first == std::string_view::npos) return refuse(why, 43, "not a request frame");
  const auto length = decimal(text.substr(0, first));
  if (!length || *length != text.size() - first) return refuse(why, 43, "length does not match");
  std::string_view rest = text.substr(first + 1);
  std::string_view verb, program, module, blank;
  if (!next_field(rest, verb) || !next_field(rest, program) || !next_field(rest, module) ||
      !next_field(rest, blank) || verb != kVerb || program != kProgram || blank != kBlank) {
    return refuse(why, 43, "not a PCI request");
  }
  const auto module_index = decimal(module);
  if (!module_index) return refuse(why, 1, "module index is not an integer");
  const auto cprb = from_hex(rest);
  if (!cprb) return refuse(why, 43, "parameter block is not hexadecimal");
  auto parsed = read_cprb(*cprb);
  if (!parsed || parsed->return_code != 0 || parsed->reason_code != 0) {
    return refuse(why, 43, "parameter block is malformed");
  }
  return Request{*module_index, parsed->domain_index, std::move(parsed->payload)};
}

std::string format_request(const Request& request) {
  std::string tail = ";";
  tail.append(kVerb).append(";").append(kProgram).append(";");
  tail.append(std::to_string(request.module_index)).append(";").append(kBlank).append(";");
  tail.append(to_hex_upper(make_cprb(request.domain_index, 0, 0, request.payload)));
  return with_length(tail);
}

Result<Response> parse_response(std::string_view text) {
  const auto malformed = [](const char* what) {
    return Error{Reason::InvalidArgument, std::string("administration answer: ") + what,
                 "response"};
  };
  if (text.size() > kMaxFrameCharacters) return malformed("larger than 64 KiB");
  std::string_view rest = text;
  std::string_view length, info;
  if (!next_field(rest, length) || !next_field(rest, info))
    return malformed("not a response frame");
  if (info.size() < kFrameInfoSize) return malformed("information field too short");
  const std::string type = trimmed(info.substr(0, 2));
  if (type != "00") {
    return Error{Reason::UnitUnavailable,
                 "the administration gateway reports error " + type + "-" +
                     trimmed(info.substr(2, 8)) + "-" + trimmed(info.substr(10, 8)) + ": " +
                     trimmed(info.substr(kTextOffset)),
                 {}};
  }
  const auto cprb = from_hex(rest);
  if (!cprb) return malformed("parameter block is not hexadecimal");
  auto parsed = read_cprb(*cprb);
  if (!parsed) return malformed("parameter block is malformed");
  if (parsed->return_code != 0 || parsed->reason_code != 0) {
    return Error{Reason::UnitUnavailable,
                 "the parameter block reports return code " + std::to_string(parsed->return_code) +
                     ", reason code " + std::to_string(parsed->reason_code),
                 {}};
  }
  return std::move(*parsed);
}

std::string format_response(const Response& response) {
  std::string tail = ";00" + padded("0", 8) + padded("0", 8);
  tail.append(padded("", kFrameInfoSize - 18)).append(";");
  tail.append(to_hex_upper(make_cprb(response.domain_index, response.return_code,
                                     response.reason_code, response.payload)));
  return with_length(tail);
}

std::string format_error_response(const HtpError& error) {
  KH_ASSERT(error.type >= 1 && error.type <= 99);
  std::string text = error.text;
  std::replace(text.begin(), text.end(), ';', ',');
  std::string tail = ";" + padded(std::to_string(error.type), 2);
  tail.append(padded(std::to_string(error.return_code), 8));
  tail.append(padded(std::to_string(error.reason_code), 8));
  tail.append(padded("KEYHAVEN", 8)).append(padded("", 30)).append(padded(text, 100)).append(";");
  return with_length(tail);
}

}  // namespace keyhaven::tke
