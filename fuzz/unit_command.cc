// Commands to a crypto unit by somebody who is no administrator: every answer is well formed and
// nothing changes.
#include <algorithm>

#include "fuzz.h"
#include "tke/frame.h"
#include "tke/oa_certificate.h"
#include "unit/command_processor.h"

using namespace keyhaven;

namespace {

struct Unit {
  unit::Module module;
  unit::DomainState domain;

  Unit() {
    const tke::LocalSigner administrator(crypto::P521PrivateKey::generate());
    module.index = 7;
    module.id = to_bytes(as_bytes("KH000007instance"));
    module.key = crypto::P521PrivateKey::generate();
    module.certificate = tke::make_oa_certificate(module.key.public_key(), "KH000007",
                                                  crypto::P521PrivateKey::generate());
    domain.type = unit::UnitType::Recovery;
    domain.module = 7;
    domain.joined = false;
    domain.index = 3;
    domain.instance = 5;
    const Bytes certificate = tke::make_administrator_certificate("A", administrator).value();
    domain.administrators.push_back(tke::parse_administrator_certificate(certificate).value());
    domain.attributes.signature_threshold = 1;
    domain.attributes.revocation_threshold = 1;
    domain.attributes.permissions = 0x0FFF205F;
    domain.importer = crypto::P521PrivateKey::generate();
  }
};

}  // namespace

KH_FUZZ_TARGET(in) {
  static const Unit fixed;
  std::string text;
  if (fuzz::take_byte(in) % 2 == 0) {
    text = std::string(as_text(in));
  } else {
    text = tke::format_request({7, 3, to_bytes(in)});
  }
  const auto outcome = unit::process_command(fixed.module, fixed.domain, 9, text);
  KH_ASSERT(!outcome.next && !outcome.used_fresh_instance);
  KH_ASSERT(std::count(outcome.answer.begin(), outcome.answer.end(), ';') == 2);
  const auto response = tke::parse_response(outcome.answer);
  if (!response) return;
  KH_ASSERT(tke::parse_admin_response(response->payload).has_value() ||
            tke::parse_info_response(response->payload).has_value());
}
