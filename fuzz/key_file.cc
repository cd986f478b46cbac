// Signature key and key-part files, as they are inspected without a password and opened with a
// wrong one.
#include "tke/key_file.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const std::string_view text = as_text(in);
  static const SecretBytes password = SecretBytes::copy_of(std::string_view("not the password"));
  if (const auto info = tke::inspect_signature_key(text)) {
    KH_ASSERT(text.size() <= tke::kMaxKeyFileBytes);
    KH_ASSERT(!tke::decode_signature_key(text, password));
  }
  if (const auto info = tke::inspect_key_part(text)) {
    KH_ASSERT(info->description.size() <= tke::kMaxDescriptionBytes);
    KH_ASSERT(!tke::decode_key_part(text, password));
  }
}
