#include "tke/signing_service.h"

#include <algorithm>
#include <boost/json.hpp>

#include "tke/der.h"

namespace keyhaven::tke {

namespace {

constexpr std::size_t kCoordinateSize = crypto::kP521CoordinateSize;

Error bad(const std::string& what) {
  return {Reason::InvalidArgument, "the signing service's answer " + what, {}};
}

// The bytes behind the one string member that counts.
Result<Bytes> binary_member(std::string_view json, std::string_view name) {
  if (json.size() > kMaxSigningAnswerBytes) return bad("is larger than 8 KiB");
  boost::json::parse_options options;
  options.max_depth = 4;
  boost::json::error_code code;
  const boost::json::value value = boost::json::parse(json, code, {}, options);
  if (code || !value.is_object()) return bad("is not a JSON object");
  const boost::json::value* member = value.get_object().if_contains(name);
  if (member == nullptr || !member->is_string()) return bad("has no text " + std::string(name));
  const auto& text = member->get_string();
  auto bytes = from_base64(std::string_view(text.data(), text.size()));
  if (!bytes) return bad("has a " + std::string(name) + " that is not base64");
  return bytes;
}

// Content of a positive, minimal DER INTEGER without its sign byte; empty when it is none.
ByteView unsigned_integer(DerReader& reader) {
  ByteView content = reader.read(der::kInteger);
  if (content.empty() || (content.front() & 0x80) != 0) return {};
  if (content.front() == 0) {
    content = content.subspan(1);
    if (!content.empty() && (content.front() & 0x80) == 0) return {};  // zero padded, or zero
  }
  return content.size() > kCoordinateSize ? ByteView{} : content;
}

struct Pair {
  ByteView first;
  ByteView second;
};
Result<Pair> integer_pair(ByteView bytes, const char* what) {
  DerReader outer(bytes);
  DerReader pair = outer.enter(der::kSequence);
  const ByteView first = unsigned_integer(pair);
  const ByteView second = unsigned_integer(pair);
  if (!pair.at_end() || !outer.at_end() || first.empty() || second.empty()) {
    return bad(std::string("has a ") + what + " that is not two DER integers");
  }
  return Pair{first, second};
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

bool is_signing_key_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kMaxSigningKeyNameBytes && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), is_unreserved);
}

Result<crypto::P521PublicKey> parse_signing_key_answer(std::string_view json) {
  const Bytes der = KH_TRY(binary_member(json, "publickey"));
  const Pair pair = KH_TRY(integer_pair(der, "publickey"));
  crypto::P521Point point{};
  point[0] = 0x04;
  std::copy(pair.first.begin(), pair.first.end(),
            point.begin() + static_cast<std::ptrdiff_t>(1 + kCoordinateSize - pair.first.size()));
  std::copy(pair.second.begin(), pair.second.end(),
            point.end() - static_cast<std::ptrdiff_t>(pair.second.size()));
  auto key = crypto::P521PublicKey::from_point(point);
  if (!key) return bad("has a publickey that is not a point of P-521");
  return key;
}

Result<Bytes> parse_signature_answer(std::string_view json) {
  Bytes der = KH_TRY(binary_member(json, "signature"));
  KH_TRY(integer_pair(der, "signature"));
  return der;
}

std::string signing_request(ByteView input) {
  return boost::json::serialize(
      boost::json::object{{"hash_algorithm", "sha2-512"}, {"input", to_base64(input)}});
}

}  // namespace keyhaven::tke
