// What a server tells our client: every decoder of an answer, and the secrets taken out of it.
#include <array>

#include "client/decode.h"
#include "client/secret_json.h"
#include "client/transfers.h"
#include "fuzz.h"

using namespace keyhaven;

namespace {

void decode(client::Decoder& decoder, std::string_view json) {
  static_cast<void>(decoder.keys(json));
  static_cast<void>(decoder.versions(json));
  static_cast<void>(decoder.dek(json));
  static_cast<void>(decoder.alias(json));
  static_cast<void>(decoder.rings(json));
  static_cast<void>(decoder.policies(json));
  static_cast<void>(decoder.registrations(json));
  static_cast<void>(decoder.instance(json));
  static_cast<void>(decoder.instances(json));
  static_cast<void>(decoder.units(json));
  static_cast<void>(decoder.unit_response(json));
  static_cast<void>(decoder.attestation_root(json));
  static_cast<void>(decoder.service_id(json));
  static_cast<void>(decoder.service_ids(json));
  static_cast<void>(decoder.api_key(json));
  static_cast<void>(decoder.api_keys(json));
  static_cast<void>(decoder.policy(json));
  static_cast<void>(decoder.access_policies(json));
  static_cast<void>(decoder.token(json));
  static_cast<void>(client::parse_transfers(json));
  static_cast<void>(client::parse_exported_chunk(json));
  static_cast<void>(client::parse_manifest(json));
  static_cast<void>(client::parse_imported_keys(json));
  const client::ErrorBody error = decoder.error(json);
  KH_ASSERT(client::printable(error.message, 1024).size() <= 1024);
  static_cast<void>(client::reason_of(400, error.code));
}

}  // namespace

KH_FUZZ_TARGET(in) {
  static client::Decoder decoder;
  decode(decoder, as_text(in));
  SecretBytes body = SecretBytes::copy_of(in);
  constexpr std::array<std::string_view, 2> kNames{"payload", "plaintext"};
  auto secrets = client::take_secrets(body, kNames);
  if (!secrets) return;
  for (const client::TakenSecret& secret : *secrets) KH_ASSERT(secret.value.size() <= in.size());
  decode(decoder, as_text(body.expose()));
}
