#include "cli/key_copy.h"

#include "cli/unit_facts.h"

namespace keyhaven::cli {
namespace {

using tke::KeyRegister;
using tke::VerificationPattern;

Result<bool> holds(CeremonyUnit& unit, KeyRegister which, const VerificationPattern& pattern) {
  const auto held = KH_TRY(unit.session.pattern(which));
  return held && tke::same_pattern(*held, pattern);
}

Result<tke::Signers> quorum(CeremonyUnit& unit, const std::vector<Administrator>& administrators) {
  const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
  return signers_for(unit.session, administrators, attributes.signature_threshold);
}

}  // namespace

Result<void> configure_for_type(CeremonyUnit& unit,
                                const std::vector<Administrator>& administrators) {
  const tke::UnitRole role = role_of(unit.entry.type);
  const tke::DomainAttributes now = KH_TRY(unit.session.attributes());
  if (tke::permissions_for(role, now.permissions) == now.permissions) return {};
  const tke::Signers signers =
      KH_TRY(signers_for(unit.session, administrators, now.signature_threshold));
  return unit.session.configure(role, now.signature_threshold, now.revocation_threshold, signers);
}

Result<VerificationPattern> make_random_key(CeremonyUnit& source,
                                            const std::vector<Administrator>& administrators) {
  KH_TRY(configure_for_type(source, administrators));
  const tke::Signers one = KH_TRY(signers_for(source.session, administrators, 1));
  return source.session.create_random(one);
}

Result<void> copy_key(CeremonyUnit& source, KeyRegister which, const VerificationPattern& pattern,
                      CeremonyUnit& target, const std::vector<Administrator>& administrators) {
  if (KH_TRY(holds(target, KeyRegister::Pending, pattern))) return {};
  KH_TRY(clear_new_key(target, administrators));
  KH_TRY(configure_for_type(source, administrators));
  KH_TRY(configure_for_type(target, administrators));
  const tke::Signers one = KH_TRY(signers_for(target.session, administrators, 1));
  const tke::Signers exporting = KH_TRY(quorum(source, administrators));
  const crypto::P521PublicKey importer = KH_TRY(target.session.generate_importer(one));
  Bytes exported = KH_TRY(source.session.export_key(which, importer, exporting));
  KH_TRY(target.session.import_recipient_infos({{std::move(exported), one}}));
  if (KH_TRY(holds(target, KeyRegister::Pending, pattern))) return {};
  return Error{Reason::UnitsDiffer,
               "crypto unit " + target.entry.location +
                   " does not hold the copied master key after all; nothing is committed",
               {}};
}

Result<void> commit_key(CeremonyUnit& unit, const VerificationPattern& pattern,
                        const std::vector<Administrator>& administrators) {
  const tke::DomainInfo info = KH_TRY(unit.session.domain_info());
  const bool committed = (info.flags & tke::DomainInfo::kPendingCommitted) != 0;
  if (committed && KH_TRY(holds(unit, KeyRegister::Pending, pattern))) return {};
  const tke::Signers signers = KH_TRY(quorum(unit, administrators));
  return unit.session.commit_pending(pattern, signers);
}

Result<void> set_key_immediate(CeremonyUnit& unit, const VerificationPattern& pattern,
                               const std::vector<Administrator>& administrators) {
  if (KH_TRY(holds(unit, KeyRegister::Current, pattern))) return {};
  const tke::Signers one = KH_TRY(signers_for(unit.session, administrators, 1));
  return unit.session.finalize_pending(pattern, one);
}

Result<void> clear_new_key(CeremonyUnit& unit, const std::vector<Administrator>& administrators) {
  const auto pending = KH_TRY(unit.session.pattern(KeyRegister::Pending));
  if (!pending) return {};
  const tke::Signers one = KH_TRY(signers_for(unit.session, administrators, 1));
  return unit.session.clear_pending(one);
}

}  // namespace keyhaven::cli
