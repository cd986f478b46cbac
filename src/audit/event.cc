#include "audit/event.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>

#include "audit/escape.h"

namespace keyhaven::audit {
namespace {

constexpr std::size_t kMaxEventBytes = 16 * 1024;
// Room kept for closing brackets, the rest of a value's quotes and the mark that details are
// missing.
constexpr std::size_t kTailBytes = 128;
constexpr std::size_t kMaxDetails = 64;
constexpr std::string_view kCutMark = "...[cut]";
constexpr char kHexDigits[] = "0123456789abcdef";

// Most bytes that a text may take in the record, after escaping. Together with the structure they
// stay below half of kMaxEventBytes, so that details always find room.
constexpr std::size_t kShortText = 128;
constexpr std::size_t kNameText = 512;
constexpr std::size_t kUriText = 2048;
constexpr std::size_t kDetailText = 1024;

void append_escape(std::string& out, unsigned code_point) {
  const char text[6] = {'\\',
                        'u',
                        kHexDigits[code_point >> 12 & 15],
                        kHexDigits[code_point >> 8 & 15],
                        kHexDigits[code_point >> 4 & 15],
                        kHexDigits[code_point & 15]};
  out.append(text, sizeof text);
}

// Size of the valid UTF-8 sequence at the start of `text`, 0 if there is none; sets `code_point`
// (RFC 3629 section 4: no surrogates, no overlong forms, at most U+10FFFF).
std::size_t decode_utf8(std::string_view text, unsigned& code_point) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  code_point = lead & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code_point = code_point << 6 | (byte(i) & 0x3fU);
  }
  const bool overlong = (size == 3 && code_point < 0x800) || (size == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  return overlong || surrogate || code_point > 0x10ffff ? 0 : size;
}

// C1 controls, line separators and bidirectional controls could forge what a reader sees in a
// terminal.
bool misleads_reader(unsigned code_point) {
  return code_point < 0xa0 || code_point == 0x061c ||
         (code_point >= 0x200e && code_point <= 0x200f) ||
         (code_point >= 0x2028 && code_point <= 0x202e) ||
         (code_point >= 0x2066 && code_point <= 0x2069) || code_point == 0xfeff;
}

// Appends one character that is not plain ASCII text; returns how many input bytes it took.
std::size_t append_special(std::string& out, std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  switch (text.front()) {
    case '"':
      out += "\\\"";
      return 1;
    case '\\':
      out += "\\\\";
      return 1;
    case '\n':
      out += "\\n";
      return 1;
    case '\r':
      out += "\\r";
      return 1;
    case '\t':
      out += "\\t";
      return 1;
    default:
      break;
  }
  if (lead < 0x80) {
    append_escape(out, lead);
    return 1;
  }
  unsigned code_point = 0;
  const std::size_t size = decode_utf8(text, code_point);
  if (size == 0) {
    append_escape(out, 0xfffd);
    return 1;
  }
  if (misleads_reader(code_point)) {
    append_escape(out, code_point);
  } else {
    out.append(text.substr(0, size));
  }
  return size;
}

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

// How many characters at the start of `text` are plain. Eight at a time: a record has hundreds.
std::size_t plain_prefix(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  // For words whose bytes are all below 0x80: the high bits tell where a byte is below `limit`
  // (exact up to the first such byte, which is all that is asked).
  const auto below = [](std::uint64_t word, std::uint64_t limit) {
    return (word - kOnes * limit) & kHighs;
  };
  std::size_t at = 0;
  for (; text.size() - at >= sizeof(std::uint64_t); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    const std::uint64_t special = (word & kHighs) | below(word, 0x20) |
                                  below(word ^ kOnes * 0x7f, 1) | below(word ^ kOnes * '"', 1) |
                                  below(word ^ kOnes * '\\', 1);
    if (special != 0) break;
  }
  while (at < text.size() && is_plain(text[at])) ++at;
  return at;
}

// Appends `text` as a JSON string of at most `limit` bytes between the quotes (and the mark, if it
// was cut).
void append_string(std::string& out, std::string_view text, std::size_t limit) {
  out += '"';
  const std::size_t start = out.size();
  while (!text.empty()) {
    const std::size_t used = out.size() - start;
    const std::size_t plain = plain_prefix(text);
    if (plain > 0) {
      const std::size_t taken = std::min(plain, limit - used);
      out.append(text.substr(0, taken));
      text.remove_prefix(taken);
      if (taken < plain) break;
      continue;
    }
    const std::size_t before = out.size();
    const std::size_t consumed = append_special(out, text);
    if (out.size() - start > limit) {
      out.resize(before);
      break;
    }
    text.remove_prefix(consumed);
  }
  if (!text.empty()) out += kCutMark;
  out += '"';
}

// Writes members of one object and puts the commas; an object without members leaves nothing
// behind.
class Object {
 public:
  Object(std::string& out, std::string_view opening) : out_(out), start_(out.size()) {
    out_ += opening;
    empty_size_ = out_.size();
  }
  void text(std::string_view name, std::string_view value, std::size_t limit) {
    if (value.empty()) return;
    member(name);
    append_string(out_, value, limit);
  }
  void number(std::string_view name, std::string_view digits) {
    member(name);
    out_ += digits;
  }
  void member(std::string_view name) {
    if (out_.size() > empty_size_) out_ += ',';
    out_ += '"';
    out_ += name;
    out_ += "\":";
  }
  std::string_view separator() const { return out_.size() > empty_size_ ? "," : ""; }
  void close() {
    if (out_.size() == empty_size_) {
      out_.resize(start_);
    } else {
      out_ += '}';
    }
  }

 private:
  std::string& out_;
  std::size_t start_;
  std::size_t empty_size_ = 0;
};

// "hs-crypto.secrets.wrap" -> "hs-crypto/secrets"; "hs-crypto.tke-cryptounit-threshold.set" ->
// "hs-crypto/tke-cryptounit/threshold" (instances-tke-iam.md 6.1: not identical to the dashed
// action).
std::string type_uri(std::string_view action) {
  std::string uri(action.substr(0, action.rfind('.')));
  std::replace(uri.begin(), uri.end(), '.', '/');
  constexpr std::string_view kUnitPrefix = "/tke-cryptounit-";
  const std::size_t at = uri.find(kUnitPrefix);
  if (at != std::string::npos) uri[at + kUnitPrefix.size() - 1] = '/';
  return uri;
}

// Members that are JSON numbers (instances-tke-iam.md 6.2).
bool is_number(std::string_view name, std::string_view value) {
  constexpr std::array<std::string_view, 6> kNumbers = {"keyState",
                                                        "totalResources",
                                                        "signatureThreshold",
                                                        "revocationSignatureThreshold",
                                                        "initialValue.keyState",
                                                        "newValue.keyState"};
  if (std::find(kNumbers.begin(), kNumbers.end(), name) == kNumbers.end()) return false;
  if (value.empty() || value.size() > 15 || (value.size() > 1 && value[0] == '0')) return false;
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct Section {
  std::string_view prefix;   // of the detail's name, taken off
  std::string_view opening;  // how the object begins
};
constexpr Section kRequest{"requestData.", ",\"requestData\":{"};
constexpr Section kResponse{"responseData.", ",\"responseData\":{"};
constexpr Section kOther{"", ",\"details\":{"};

const Section& section_of(std::string_view name) {
  if (name.starts_with(kRequest.prefix)) return kRequest;
  if (name.starts_with(kResponse.prefix)) return kResponse;
  return kOther;
}

// Appends the details that belong to `section`; false if some had no room.
bool append_details(std::string& out, std::size_t event_start, Object& object, const Event& event,
                    const Section& section) {
  const auto& details = event.details;
  const std::size_t count = std::min(details.size(), kMaxDetails);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [name, value] = details[i];
    if (&section_of(name) != &section || value.empty()) continue;
    const auto same_name = [&](const auto& other) { return other.first == name; };
    const auto here = details.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::any_of(details.begin(), here, same_name)) continue;  // a name occurs once in an object
    const std::string_view member = std::string_view(name).substr(section.prefix.size());
    if (&section == &kRequest && (member == "requestURI" || member == "instanceID")) continue;
    const std::size_t before = out.size();
    out += object.separator();
    append_string(out, member, kShortText);
    out += ':';
    if (is_number(member, value)) {
      out += value;
    } else {
      append_string(out, value, kDetailText);
    }
    if (out.size() - event_start > kMaxEventBytes - kTailBytes) {
      out.resize(before);
      return false;
    }
  }
  return details.size() <= kMaxDetails;
}

void append_reason(std::string& out, const Event& event) {
  Object reason(out, ",\"reason\":{");
  char digits[12];
  const auto end = std::to_chars(digits, digits + sizeof digits, event.status).ptr;
  if (event.status != 0) {
    reason.number("reasonCode", {digits, static_cast<std::size_t>(end - digits)});
  }
  reason.text("reasonForFailure", event.reason, kNameText);
  reason.close();
}

void append_initiator(std::string& out, const Event& event) {
  Object initiator(out, ",\"initiator\":{");
  initiator.text("id", event.initiator_id, kNameText);
  initiator.text("name", event.initiator_name, kNameText);
  if (!event.initiator_address.empty() || !event.initiator_agent.empty()) {
    initiator.member("host");
    Object host(out, "{");
    host.text("address", event.initiator_address, kShortText);
    host.text("agent", event.initiator_agent, kNameText);
    host.close();
  }
  initiator.close();
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  append_string(out, text, std::numeric_limits<std::size_t>::max());
  return out.substr(1, out.size() - 2);
}

void append_json(std::string& out, const Event& event) {
  const std::size_t start = out.size();
  out += "{\"eventTime\":\"";
  append_rfc3339(out, event.time);
  out += "\",\"action\":";
  append_string(out, event.action, kShortText);
  out +=
      event.outcome == Outcome::Success ? ",\"outcome\":\"success\"" : ",\"outcome\":\"failure\"";
  append_reason(out, event);
  out += ",\"severity\":";
  append_string(out, event.severity, kShortText);
  append_initiator(out, event);
  Object target(out, ",\"target\":{");
  target.text("id", event.target_id, kNameText);
  target.text("typeURI", type_uri(event.action), kShortText);
  target.close();
  if (!event.correlation_id.empty()) {
    out += ",\"correlationId\":";
    append_string(out, event.correlation_id, kShortText);
  }
  Object request(out, kRequest.opening);
  request.text("requestURI", event.request_uri, kUriText);
  request.text("instanceID", event.instance_id, kShortText);
  bool complete = append_details(out, start, request, event, kRequest);
  request.close();
  Object response(out, kResponse.opening);
  complete = append_details(out, start, response, event, kResponse) && complete;
  response.close();
  Object other(out, kOther.opening);
  complete = append_details(out, start, other, event, kOther) && complete;
  other.close();
  if (!complete) out += ",\"detailsCut\":true";
  out += '}';
}

}  // namespace keyhaven::audit
