#include "cli/ceremony.h"

#include <algorithm>
#include <ostream>

#include "cli/context.h"

namespace keyhaven::cli {
namespace {

constexpr std::size_t kMaxPasswordBytes = 1024;
constexpr std::size_t kMaxRootBytes = 4096;

Result<tke::AttestationRoot> root_of(const client::AttestationRootClaim& claim) {
  return tke::AttestationRoot::parse("SKI: " + claim.ski + "\nX: " + claim.x + "\nY: " + claim.y +
                                     "\n");
}

}  // namespace

Result<Ceremony> Ceremony::open(Context& context, TrustOptions trust) {
  CeremonyFiles files = KH_TRY(CeremonyFiles::open(context));
  std::unique_ptr<UnitService> service = KH_TRY(context.unit_service());
  return Ceremony(context, std::move(trust), std::move(files), std::move(service));
}

Result<tke::AttestationRoot> Ceremony::root() {
  if (!trust_.root_file.empty()) {
    const std::string text = KH_TRY(read_text(trust_.root_file, kMaxRootBytes));
    auto root = tke::AttestationRoot::parse(text);
    if (!root)
      return Error{Reason::InvalidArgument, trust_.root_file + ": " + root.error().message,
                   "attestation-root"};
    return root;
  }
  const std::string address = service_->address();
  auto pinned = KH_TRY(files_.pinned_root(address));
  if (pinned) return std::move(*pinned);
  const client::AttestationRootClaim claim = KH_TRY(service_->claimed_root());
  auto claimed = root_of(claim);
  if (!claimed)
    return Error{Reason::BadBody,
                 "the service's attestation root is malformed: " + claimed.error().message,
                 {}};
  context_->err() << "First contact with the crypto units of " << address
                  << ". The service says that their attestation root is\n"
                  << claimed.value().text() << "Compare it with what the installation printed.\n";
  bool trusted = trust_.trust_on_first_use;
  if (!trusted && context_->prompt().interactive()) {
    trusted =
        KH_TRY(confirm(context_->prompt(), "Is it the same, and shall it be trusted from now on?"));
  }
  if (!trusted) {
    return Error{Reason::Forbidden,
                 "the attestation root of " + address +
                     " is not trusted: give --attestation-root FILE with the root that the "
                     "installation printed, or "
                     "--trust-on-first-use to trust what the service says",
                 "attestation-root"};
  }
  KH_TRY(files_.pin_root(address, claimed.value()));
  return claimed;
}

Result<CeremonyUnit> Ceremony::open_unit(const std::string& instance,
                                         const client::CryptoUnitEntry& entry,
                                         const tke::AttestationRoot& root) {
  tke::UnitTarget target = KH_TRY(tke::target_from_location(entry.location, entry.serial_number));
  tke::Transport transport = [service = service_, instance,
                              hsm_id = entry.hsm_id](const std::string& request) {
    return service->administer(instance, hsm_id, request);
  };
  auto session = tke::UnitSession::open(std::move(transport), std::move(target), root);
  if (!session) {
    return Error{session.error().reason,
                 "crypto unit " + entry.location + ": " + session.error().message,
                 {}};
  }
  return CeremonyUnit{instance, entry, std::move(session).value()};
}

Result<std::vector<CeremonyUnit>> Ceremony::units() {
  const tke::AttestationRoot trusted = KH_TRY(root());
  const auto working_set = KH_TRY(files_.working_set());
  const bool has_selection = std::any_of(working_set.begin(), working_set.end(),
                                         [](const WorkingUnit& unit) { return unit.selected; });
  std::string instance = context_->options.instance;
  for (const char* name : {"KH_INSTANCE", "KP_INSTANCE_ID"}) {
    if (instance.empty()) instance = context_->variable(name);
  }
  if (instance.empty() && !has_selection) {
    const Settings settings =
        KH_TRY(context_->settings());  // the profile's, when nothing is selected
    instance = settings.instance;
  }
  if (!instance.empty()) return units_of(instance, trusted);
  std::vector<CeremonyUnit> out;
  for (const WorkingUnit& unit : working_set) {
    if (!unit.selected) continue;
    CeremonyUnit opened = KH_TRY(
        open_unit(unit.instance, {unit.hsm_id, unit.location, unit.serial_number, {}}, trusted));
    out.push_back(std::move(opened));
  }
  if (out.empty()) {
    return Error{Reason::InvalidArgument,
                 "no crypto units are chosen: give --instance ID for all of an instance, or select "
                 "some with \"keyhaven tke "
                 "cryptounits\" and \"cryptounit-add\"",
                 "instance"};
  }
  return out;
}

Result<std::vector<CeremonyUnit>> Ceremony::units_of(const std::string& instance,
                                                     const tke::AttestationRoot& trusted) {
  std::vector<CeremonyUnit> out;
  const auto entries = KH_TRY(service_->units(instance));
  for (const client::CryptoUnitEntry& entry : entries) {
    CeremonyUnit unit = KH_TRY(open_unit(instance, entry, trusted));
    out.push_back(std::move(unit));
  }
  if (out.empty())
    return Error{Reason::UnitNotFound, "instance " + instance + " has no crypto units", "instance"};
  return out;
}

Result<SecretBytes> password_for(Context& context, const std::string& password_file,
                                 const std::string& what) {
  if (!password_file.empty())
    return read_secret(context, password_file, kMaxPasswordBytes, Newline::Strip);
  if (!context.prompt().interactive()) {
    return Error{Reason::InvalidArgument,
                 "the password of " + what + " is needed: give a password file", "password-file"};
  }
  return context.prompt().secret("Password of " + what + ": ");
}

Result<SecretBytes> new_password_for(Context& context, const std::string& password_file,
                                     const std::string& what) {
  if (!password_file.empty() || !context.prompt().interactive())
    return password_for(context, password_file, what);
  SecretBytes first = KH_TRY(context.prompt().secret("New password of " + what + ": "));
  const SecretBytes second = KH_TRY(context.prompt().secret("The same again: "));
  if (!(first == second))
    return Error{Reason::InvalidArgument, "the two passwords differ", "password"};
  return first;
}

Result<void> check_signers(CeremonyUnit& unit, const std::vector<Administrator>& administrators) {
  if (administrators.empty()) return {};
  const auto installed = KH_TRY(unit.session.administrator_skis());
  for (const Administrator& one : administrators) {
    if (std::ranges::find(installed, one.signer->ski()) != installed.end()) continue;
    return Error{Reason::InvalidArgument,
                 one.name + " is no administrator of crypto unit " + unit.entry.location +
                     ": see \"keyhaven tke cryptounit-admins\"",
                 "signer"};
  }
  return {};
}

Result<tke::Signers> signers_for(tke::UnitSession& session,
                                 const std::vector<Administrator>& administrators,
                                 std::size_t count) {
  tke::Signers out;
  if (count == 0) return out;
  const auto installed = KH_TRY(session.administrator_skis());
  for (const Administrator& administrator : administrators) {
    if (out.size() == count) break;
    const bool is_installed = std::find(installed.begin(), installed.end(),
                                        administrator.signer->ski()) != installed.end();
    if (is_installed) out.push_back(administrator.signer.get());
  }
  if (out.size() < count) {
    return Error{Reason::InvalidArgument,
                 "this command needs the signatures of " + std::to_string(count) +
                     " administrators of the crypto unit; " + std::to_string(out.size()) +
                     " of them were given with --signer",
                 "signer"};
  }
  return out;
}

Result<std::vector<KeyPart>> open_key_parts(Context& context, const CeremonyFiles& files,
                                            const std::vector<std::string>& choices) {
  std::vector<KeyPart> out;
  for (const std::string& text : choices) {
    const KeyChoice choice = KH_TRY(parse_key_choice(text));
    const KeyPartFile file = KH_TRY(files.find_key_part(choice.key));
    const SecretBytes password =
        KH_TRY(password_for(context, choice.password_file, "key part " + file.label));
    KeyPart part{file.label, KH_TRY(load_key_part(file, password)), {}};
    part.hash = tke::key_part_hash(part.part);
    for (const KeyPart& other : out) {
      if (other.hash == part.hash) {
        return Error{Reason::InvalidArgument,
                     "key parts " + other.label + " and " + part.label +
                         " are the same: they would cancel out",
                     "part"};
      }
    }
    out.push_back(std::move(part));
  }
  return out;
}

namespace {

Result<tke::VerificationPattern> import_parts(CeremonyUnit& unit, const std::vector<KeyPart>& parts,
                                              const tke::Signers& signers) {
  const crypto::P521PublicKey importer = KH_TRY(unit.session.generate_importer({signers.front()}));
  std::vector<tke::SignedKeyPart> signed_parts;
  for (std::size_t index = 0; index < parts.size(); ++index) {
    signed_parts.push_back({&parts[index].part, {signers[index % signers.size()]}});
  }
  return unit.session.import_key_parts(importer, signed_parts);
}

Result<tke::VerificationPattern> import_with_permission(
    CeremonyUnit& unit, const std::vector<KeyPart>& parts, const tke::Signers& signers,
    const std::vector<Administrator>& administrators) {
  const tke::DomainAttributes before = KH_TRY(unit.session.attributes());
  const tke::Signers quorum =
      KH_TRY(signers_for(unit.session, administrators, before.signature_threshold));
  tke::DomainAttributes permitting = before;
  permitting.permissions |= tke::permission::kSinglePart;
  KH_TRY(unit.session.set_attributes(permitting, quorum));
  auto imported = import_parts(unit, parts, signers);
  const auto restored = unit.session.set_attributes(before, quorum);
  if (imported && !restored) return restored.error();
  return imported;
}

}  // namespace

Result<tke::VerificationPattern> load_parts(CeremonyUnit& unit, const std::vector<KeyPart>& parts,
                                            const std::vector<Administrator>& administrators,
                                            SameAdministrator same) {
  const std::size_t available = std::min(administrators.size(), parts.size());
  const tke::Signers signers = KH_TRY(signers_for(unit.session, administrators, available));
  const bool needs_permission = same == SameAdministrator::Allowed && signers.size() < parts.size();
  const tke::VerificationPattern expected =
      KH_TRY(needs_permission ? import_with_permission(unit, parts, signers, administrators)
                              : import_parts(unit, parts, signers));
  const tke::DomainInfo info = KH_TRY(unit.session.domain_info());
  if (!tke::same_pattern(info.pending_pattern, expected)) {
    return Error{Reason::Conflict,
                 "crypto unit " + unit.entry.location + " reports verification pattern " +
                     tke::pattern_text(info.pending_pattern) +
                     " after loading; the key parts give " + tke::pattern_text(expected) +
                     ". Do not commit; clear the register with \"cryptounit-mk-clrnew\"",
                 {}};
  }
  return expected;
}

Result<void> zeroize_unit(CeremonyUnit& unit, const std::vector<Administrator>& administrators) {
  const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
  std::size_t needed = 0;
  if (!attributes.imprint()) {
    const bool with_one = (attributes.permissions & tke::permission::kZeroizeWithOne) != 0;
    needed = with_one ? 1 : attributes.signature_threshold;
  }
  const tke::Signers signers = KH_TRY(signers_for(unit.session, administrators, needed));
  return unit.session.zeroize(signers);
}

std::string current_register_text(const tke::DomainInfo& info) {
  return (info.flags & tke::DomainInfo::kHasCurrent) != 0 ? "Valid" : "Empty";
}

std::string new_register_text(const tke::DomainInfo& info) {
  if ((info.flags & tke::DomainInfo::kHasPending) == 0) return "Empty";
  return (info.flags & tke::DomainInfo::kPendingCommitted) != 0 ? "Full Committed"
                                                                : "Full Uncommitted";
}

}  // namespace keyhaven::cli
