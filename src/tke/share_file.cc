#include "tke/share_file.h"

#include <algorithm>
#include <charconv>

#include "tke/string_fields.h"

namespace keyhaven::tke {

namespace {

constexpr std::string_view kKeyShareType = "keyhaven-key-share";

// Binds what is sealed to its place: a file whose number was changed does not open.
std::string aad_of(const ShareSetId& set, unsigned number) {
  return "keyhaven key share 1 " + to_hex(set) + ' ' + std::to_string(number);
}

}  // namespace

Result<std::string> encode_key_share(const KeyShare& share, const ShareTranscript& transcript,
                                     const SecretBytes& password) {
  KH_TRY(check_password(password));
  SecretBytes content(kMasterKeySize + kShareBlindingSize);
  const auto y = share.share.y.expose();
  const auto blinding = share.blinding.expose();
  KH_ASSERT(y.size() == kMasterKeySize && blinding.size() == kShareBlindingSize);
  std::copy(y.begin(), y.end(), content.expose_mutable().begin());
  std::copy(blinding.begin(), blinding.end(), content.expose_mutable().begin() + kMasterKeySize);
  StringFields fields = {{"keyType", std::string(kKeyShareType)},
                         {"share", std::to_string(share.share.x)},
                         {"transcript", encode_transcript(transcript)}};
  KH_TRY(seal_fields(fields, content, password, PasswordKey::Argon2id,
                     as_bytes(aad_of(share.set, share.share.x))));
  return write_string_fields(fields);
}

namespace {

Result<KeyShareInfo> info_of(const StringFields& fields) {
  if (field(fields, "keyType") != kKeyShareType) return malformed_key_file("not a key share");
  KeyShareInfo out;
  out.transcript = KH_TRY(parse_transcript(field(fields, "transcript")));
  const std::string_view number = field(fields, "share");
  const auto [end, failed] =
      std::from_chars(number.data(), number.data() + number.size(), out.number);
  if (failed != std::errc{} || end != number.data() + number.size() || out.number == 0 ||
      out.number > out.transcript.share_count()) {
    return malformed_key_file("field share is not the number of a share");
  }
  return out;
}

}  // namespace

Result<KeyShareInfo> inspect_key_share(std::string_view text) {
  const StringFields fields = KH_TRY(read_string_fields(text));
  return info_of(fields);
}

Result<KeyShare> decode_key_share(std::string_view text, const SecretBytes& password) {
  const StringFields fields = KH_TRY(read_string_fields(text));
  const KeyShareInfo info = KH_TRY(info_of(fields));
  const ShareTranscript& transcript = info.transcript;
  const SecretBytes content = KH_TRY(open_fields(fields, password, PasswordKey::Argon2id,
                                                 as_bytes(aad_of(transcript.set, info.number))));
  if (content.size() != kMasterKeySize + kShareBlindingSize)
    return malformed_key_file("the decrypted content is no key share");
  return KeyShare{transcript.set, transcript.threshold, transcript.share_count(),
                  ShamirShare{static_cast<std::uint8_t>(info.number),
                              SecretBytes::copy_of(content.expose().first(kMasterKeySize))},
                  SecretBytes::copy_of(content.expose().last(kShareBlindingSize))};
}

}  // namespace keyhaven::tke
