// The methods that need something outside the unit: a person's secret, a token, a TPM. They run in
// the sealing helper (sealing_helper.h), never in the process that holds the keys.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/argon2.h"
#include "unitd/credentials.h"
#include "unitd/sealing.h"

namespace keyhaven::unitd {

// What the command line gives (options.h). Lives as long as the methods made with it.
struct SealingMeans {
  std::string state_directory;
  Credentials credentials;
  SecretBytes passphrase;     // given at the start; empty: none
  crypto::Argon2Cost argon2;  // for passphrases set from now on
  std::string tpm2_tcti;      // "device:/dev/tpmrm0", "swtpm:host=127.0.0.1,port=2321"; empty: none
  std::string pkcs11_module;  // absolute path; empty: none
  unit::SealingMethod configured = unit::SealingMethod::KeyFile;  // with
  std::string configured_reference;                               // what the configuration says
};

inline constexpr std::size_t kLeastPassphraseBytes = 8;   // of one set from now on
inline constexpr std::size_t kLeastCredentialBytes = 32;  // of a credential that is a key

// A method for a new secret, of which `reference` says where it is:
//   Passphrase         NAME of a credential, or nothing: the one given at the start
//   SystemdCredential  NAME of a credential of 32 to 4096 random bytes
//   Pkcs11             "token=LABEL;key=LABEL;pin=NAME", the PIN being a credential
//   Tpm2               "pcrs=0,7;auth=NAME;owner-auth=NAME", each of them optional
// Errors: InvalidArgument (malformed), NotSupported (the unit was not given the means).
Result<std::unique_ptr<Sealing>> new_sealing(const SealingMeans& means, unit::SealingMethod method,
                                             const std::string& reference);
// A method as a state file's header describes it. Errors: InvalidArgument (malformed),
// NotSupported.
Result<std::unique_ptr<Sealing>> stored_sealing(const SealingMeans& means,
                                                unit::SealingMethod method, ByteView parameters);

// --- Parts ---

std::unique_ptr<Sealing> passphrase_sealing(const SealingMeans& means, std::string reference);
Result<std::unique_ptr<Sealing>> stored_passphrase_sealing(const SealingMeans& means,
                                                           ByteView parameters);
std::unique_ptr<Sealing> credential_sealing(const SealingMeans& means, std::string reference);
Result<std::unique_ptr<Sealing>> stored_credential_sealing(const SealingMeans& means,
                                                           ByteView parameters);
Result<std::unique_ptr<Sealing>> pkcs11_sealing(const SealingMeans& means,
                                                const std::string& reference);
Result<std::unique_ptr<Sealing>> stored_pkcs11_sealing(const SealingMeans& means,
                                                       ByteView parameters);
Result<std::unique_ptr<Sealing>> tpm2_sealing(const SealingMeans& means,
                                              const std::string& reference);
Result<std::unique_ptr<Sealing>> stored_tpm2_sealing(const SealingMeans& means,
                                                     ByteView parameters);

// "name=value;name=value" with the given names only, each at most once. Errors: InvalidArgument.
Result<std::map<std::string, std::string>> parse_reference(
    std::string_view text, const std::vector<std::string_view>& names);

// Reads the credential that the state file names; when it is absent, the one that the configuration
// names for the same method. Errors: as Credentials::read.
Result<SecretBytes> read_named(const SealingMeans& means, unit::SealingMethod method,
                               const std::string& stored_name, bool is_text);

Error damaged_parameters();

}  // namespace keyhaven::unitd
