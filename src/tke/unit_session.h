// A client's conversation with one crypto unit: everything it believes is verified.
//
// open() checks the module's certificate chain up to the pinned root. From then on every answer
// except domain_info() must carry a valid signature of that module, name the command that was sent,
// this domain and its instance, and a counter that never goes back. Commands are built as the
// protocol asks: query the attributes, add one to the counter, sign the block with the given keys.
// So whoever relays the frames can neither change a command, nor substitute an importer key, nor
// read a key part.
//
// Not thread-safe. No I/O of its own: the transport does it. Source: instances-tke-iam.md 3.4
// to 3.9.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "tke/admin.h"
#include "tke/attributes.h"
#include "tke/certificate.h"
#include "tke/codes.h"
#include "tke/command_rules.h"
#include "tke/control_points.h"
#include "tke/key_part.h"
#include "tke/oa_certificate.h"
#include "tke/signer_info.h"
#include "tke/transfer.h"

namespace keyhaven::tke {

// Sends one HTPRequest text, returns the HTPResponse text.
using Transport = std::function<Result<std::string>(const std::string& htp_request)>;

struct UnitTarget {
  std::uint32_t module_index = 0;
  std::uint32_t domain_index = 0;
  std::string serial_number;  // 8 ASCII characters, as the service lists it
};
// Module and domain index from "[region].[AZn-CSm].[module].[domain]". Errors: InvalidArgument.
Result<UnitTarget> target_from_location(std::string_view location, std::string serial_number);

// One part of an import with the administrators who sign it.
struct SignedKeyPart {
  const SecretBytes* part = nullptr;  // 32 bytes
  Signers signers;
};

// The same for a part that is encrypted already: what a recovery unit exported.
struct SignedRecipientInfo {
  Bytes recipient_info;
  Signers signers;
};

enum class KeyRegister : std::uint8_t { Current, Pending };

class UnitSession {
 public:
  // Fetches and verifies the certificate chain. Errors: Forbidden when the unit is not of this
  // deployment or answers for another serial number; what the transport gives.
  static Result<UnitSession> open(Transport transport, UnitTarget target,
                                  const AttestationRoot& root);

  // Verified state. moment() is what a command for later (a proposal) is made for, by make_block().
  Result<UnitMoment> moment();
  Result<DomainAttributes> attributes();
  Result<std::vector<Ski>> administrator_skis();
  Result<std::vector<AdministratorCertificate>> administrators();
  Result<ControlPoints> control_points();
  // The verification pattern of a register in a signed answer; nothing while it is empty.
  Result<std::optional<VerificationPattern>> pattern(KeyRegister which);
  // Register states and verification patterns. Not signed by the protocol: for display and for the
  // operator's own comparison; a false pattern makes the signed commit fail, never a wrong key
  // valid.
  Result<DomainInfo> domain_info();

  // Signed commands. `signers` are those whose signatures the command carries: how many are needed
  // is the unit's rule (spec 2.2); none in imprint mode. Errors: error_of(status) (codes.h),
  // Forbidden for an answer that does not verify, what the transport or a signer gives.
  // last_status() has the unit's codes.
  Result<void> add_administrator(ByteView certificate, const Signers& signers);
  Result<void> remove_administrator(const Ski& ski, const Signers& signers);
  // Puts `certificate` in the place of the administrator `old`; the same key may come back under
  // another name.
  Result<void> replace_administrator(const Ski& old, ByteView certificate, const Signers& signers);
  Result<void> set_attributes(const DomainAttributes& attributes, const Signers& signers);
  // Reads the attributes, sets thresholds and the permissions of the unit's role in one command:
  // how a unit leaves imprint mode (signed as the new threshold demands) or is configured anew.
  Result<void> configure(UnitRole role, std::uint32_t signature, std::uint32_t revocation,
                         const Signers& signers);
  // Reads the attributes, changes the thresholds only, sets them.
  Result<void> set_thresholds(std::uint32_t signature, std::uint32_t revocation,
                              const Signers& signers);
  Result<crypto::P521PublicKey> generate_importer(const Signers& signers);
  // Seals each part to `importer` and sends all in one import, each inner block signed by its own
  // signers. Returns the verification pattern that the pending register must now have.
  Result<VerificationPattern> import_key_parts(const crypto::P521PublicKey& importer,
                                               const std::vector<SignedKeyPart>& parts);
  // Sends parts that are encrypted to the unit's importer key already. The pattern is read from the
  // unit (pattern(Pending)) and compared with the source's.
  Result<void> import_recipient_infos(const std::vector<SignedRecipientInfo>& parts);
  // A random master key in a recovery unit: into the empty current register, else into the empty
  // new one. Returns its pattern.
  Result<VerificationPattern> create_random(const Signers& signers);
  // The master key of a recovery unit, encrypted to `importer`: a RecipientInfo for
  // import_recipient_infos(). Whoever holds the private half gets the key: `importer` must have
  // come from generate_importer() of a session with the receiving unit.
  Result<Bytes> export_key(KeyRegister which, const crypto::P521PublicKey& importer,
                           const Signers& signers);
  Result<void> commit_pending(const VerificationPattern& pattern, const Signers& signers);
  Result<void> finalize_pending(const VerificationPattern& pattern, const Signers& signers);
  Result<void> clear_pending(const Signers& signers);
  Result<void> clear_current(const Signers& signers);
  Result<void> zeroize(const Signers& signers);
  Result<void> enable_control_points(const ControlPoints& mask, const Signers& signers);
  Result<void> disable_control_points(const ControlPoints& mask, const Signers& signers);
  Result<void> set_control_points(const ControlPoints& points, const Signers& signers);
  // Makes what the last check found in the store the good state of the instance's records.
  // `difference` is the check's, compared by those who sign.
  Result<void> accept_records(const Digest& difference, const Signers& signers);
  // The three steps of a sealed transfer (transfer.h). offer_transfer returns the encoded offer.
  Result<Bytes> offer_transfer(const OfferInput& input, const Signers& signers);
  Result<void> authorize_transfer(const AuthorizeInput& input, const Signers& signers);
  Result<void> consent_transfer(const ConsentInput& input, const Signers& signers);
  // A key blob of the instance, sealed by the current master key, under the committed new one.
  Result<Bytes> reencrypt(ByteView blob);

  // Any command with any input: for tests and tools. Returns the output.
  Result<Bytes> command(std::uint32_t command, ByteView input, const Signers& signers);

  Status last_status() const noexcept { return last_status_; }
  const UnitTarget& target() const noexcept { return target_; }
  const crypto::P521PublicKey& module_key() const noexcept { return module_key_; }

 private:
  UnitSession(Transport transport, UnitTarget target, crypto::P521PublicKey module_key);
  Result<AdminResponseBlock> exchange(const AdminBlock& block, ByteView signer_infos);
  Result<AdminResponseBlock> query(std::uint32_t command, ByteView input);
  Result<AdminBlock> prepare(std::uint32_t command, ByteView input);
  Result<Bytes> run(const AdminBlock& block, ByteView signer_infos);

  Transport transport_;
  UnitTarget target_;
  crypto::P521PublicKey module_key_;
  Bytes highest_counter_;
  std::uint32_t highest_instance_ = 0;
  Status last_status_;
};

}  // namespace keyhaven::tke
