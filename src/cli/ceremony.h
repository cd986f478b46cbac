// What the verbs of a ceremony share: the units they act on, the verified sessions with them, and
// the administrators who sign.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/ceremony_files.h"
#include "cli/unit_service.h"
#include "tke/unit_session.h"

namespace keyhaven::cli {

class Context;

// A unit with its verified session.
struct CeremonyUnit {
  std::string instance;
  client::CryptoUnitEntry entry;
  tke::UnitSession session;
};

struct TrustOptions {
  std::string root_file;            // --attestation-root
  bool trust_on_first_use = false;  // --trust-on-first-use
};

// The files, the service and how far it is trusted.
class Ceremony {
 public:
  // Errors: InvalidArgument (CLOUDTKEFILES, configuration).
  static Result<Ceremony> open(Context& context, TrustOptions trust);

  const CeremonyFiles& files() const noexcept { return files_; }
  UnitService& service() noexcept { return *service_; }

  // --attestation-root, else the root pinned for the service's address, else the one the service
  // claims: shown, and pinned only with --trust-on-first-use or after a yes. Errors: Forbidden (not
  // trusted), InvalidArgument.
  Result<tke::AttestationRoot> root();

  // All units of --instance, else the selected ones of the working set; each session verified
  // against root(). Errors: InvalidArgument (nothing chosen), Forbidden (a unit that does not
  // verify).
  Result<std::vector<CeremonyUnit>> units();
  // All units of this instance.
  Result<std::vector<CeremonyUnit>> units_of(const std::string& instance,
                                             const tke::AttestationRoot& trusted);

 private:
  Ceremony(Context& context, TrustOptions trust, CeremonyFiles files,
           std::shared_ptr<UnitService> service)
      : context_(&context),
        trust_(std::move(trust)),
        files_(std::move(files)),
        service_(std::move(service)) {}
  Result<CeremonyUnit> open_unit(const std::string& instance, const client::CryptoUnitEntry& entry,
                                 const tke::AttestationRoot& root);

  Context* context_;
  TrustOptions trust_;
  CeremonyFiles files_;
  // Shared with the sessions' transports, which outlive a moved Ceremony.
  std::shared_ptr<UnitService> service_;
};

// "[NAME=]KEY[:PASSWORDFILE]": a key file by label, number or path, where its password is, and
// another name for the administrator. Without a password file the password is asked for. KEY is
// also "pkcs11:..." (tke/pkcs11_uri.h; the whole rest of the text) or "service:KEYNAME".
struct KeyChoice {
  std::string name;
  std::string key;
  std::string password_file;
};
Result<KeyChoice> parse_key_choice(const std::string& text);

// The password: from the file, else asked for. Errors: InvalidArgument.
Result<SecretBytes> password_for(Context& context, const std::string& password_file,
                                 const std::string& what);
// The same for a new file: asked for twice.
Result<SecretBytes> new_password_for(Context& context, const std::string& password_file,
                                     const std::string& what);

// An administrator who can sign, by a key file, a token or a signing service.
struct Administrator {
  std::string name;
  std::unique_ptr<tke::Signer> signer;
  // Set when the key is at a signing service and no file here pins its public key yet.
  std::optional<tke::SignerReference> unpinned;
};
// Opens each choice (signers.cc). Errors: DecryptFailed, InvalidArgument (also: one key twice),
// Forbidden (PIN or token refused, or not the pinned key), what a token or service gives.
Result<std::vector<Administrator>> open_administrators(Context& context, const CeremonyFiles& files,
                                                       const std::vector<std::string>& choices);
// After an installation: from now on the signing service must answer the same public key under the
// same name. Errors: Io.
Result<void> pin_administrators(const CeremonyFiles& files,
                                const std::vector<Administrator>& administrators);
// Each must be an administrator of the unit: so that a mistake shows before anything is signed or
// posted. Nobody is nobody wrong. Errors: InvalidArgument (names the first who is not).
Result<void> check_signers(CeremonyUnit& unit, const std::vector<Administrator>& administrators);
// The first `count` of those who are installed in the unit. Errors: InvalidArgument when there are
// fewer: the message says how many signatures the command needs.
Result<tke::Signers> signers_for(tke::UnitSession& session,
                                 const std::vector<Administrator>& administrators,
                                 std::size_t count);

// An opened key part.
struct KeyPart {
  std::string label;
  SecretBytes part;
  tke::VerificationPattern hash{};
};
// Errors: DecryptFailed, InvalidArgument (also: one part twice, which would cancel out).
Result<std::vector<KeyPart>> open_key_parts(Context& context, const CeremonyFiles& files,
                                            const std::vector<std::string>& choices);

// Whether one administrator may sign several parts of a key. A unit refuses that unless its
// attributes permit one-part transport (0x4); Allowed sets that permission for the load, which
// takes the signature threshold, and takes it back.
enum class SameAdministrator : std::uint8_t { Refused, Allowed };

// Seals the parts to a fresh importer key of the unit and loads them into its new register; part i
// is signed by administrator i (round and round when there are fewer). Checks the pattern that the
// unit reports. Errors: from the unit; Conflict when the register does not hold what the parts
// give.
Result<tke::VerificationPattern> load_parts(CeremonyUnit& unit, const std::vector<KeyPart>& parts,
                                            const std::vector<Administrator>& administrators,
                                            SameAdministrator same);

// Back to imprint mode. Signed by one administrator when the unit's permission says so, else by as
// many as the signature threshold; by none in imprint mode. Errors: as signers_for; from the unit.
Result<void> zeroize_unit(CeremonyUnit& unit, const std::vector<Administrator>& administrators);

// "Empty", "Valid", "Full Uncommitted", "Full Committed".
std::string current_register_text(const tke::DomainInfo& info);
std::string new_register_text(const tke::DomainInfo& info);

}  // namespace keyhaven::cli
