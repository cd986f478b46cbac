// The directory CLOUDTKEFILES: signature keys (*.sigkey) and references to those elsewhere
// (*.signer), key parts (*.mkpart), the pinned attestation roots and the working set (DOMAINS).
// Secrets in it are sealed by passwords (tke/key_file.h); all files are 0600.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "tke/key_file.h"
#include "tke/oa_certificate.h"
#include "tke/signer_file.h"

namespace keyhaven::cli {

class Context;

struct SignatureKeyFile {
  std::string label;  // file name without its ending
  std::string path;
  tke::SignatureKeyInfo info;
  // Set when the key is in a token or at a signing service, and the file only says where.
  std::optional<tke::SignerReference> reference;
  // The administrator's name in certificates: the file's own, else the label, at most 30 bytes.
  std::string administrator() const;
};

struct KeyPartFile {
  std::string label;
  std::string path;
  tke::KeyPartInfo info;
};

// One unit of the working set; "DOMAINS" is a JSON list of these (instances-tke-iam.md 4.1).
struct WorkingUnit {
  std::uint32_t domain_num = 0;
  std::string hsm_id;
  std::string instance;
  std::string location;
  std::string serial_number;
  std::string type;  // "operational", "recovery", "failover"
  bool selected = false;
};

class CeremonyFiles {
 public:
  // Errors: InvalidArgument when CLOUDTKEFILES is unset or no directory.
  static Result<CeremonyFiles> open(const Context& context);

  const std::string& directory() const noexcept { return directory_; }
  // Sorted by label; the position + 1 is the KEYNUM that people type. A file that cannot be read is
  // an error: a missing administrator must not go unnoticed.
  Result<std::vector<SignatureKeyFile>> signature_keys() const;
  Result<std::vector<KeyPartFile>> key_parts() const;
  // By label, KEYNUM or path. Errors: InvalidArgument (none such).
  Result<SignatureKeyFile> find_signature_key(std::string_view choice) const;
  Result<KeyPartFile> find_key_part(std::string_view choice) const;

  // Makes a new P-521 key. Label: 1 to 30 letters, digits, '.', '-', '_'. Errors: InvalidArgument
  // (label), AlreadyExists, InvalidField (password), Io.
  Result<SignatureKeyFile> add_signature_key(const std::string& label,
                                             const SecretBytes& password) const;
  // Writes LABEL.signer. Errors: the same, without a password.
  Result<SignatureKeyFile> add_signer_reference(const std::string& label,
                                                const tke::SignerReference& reference) const;
  // `part`: 32 bytes. Errors: the same.
  Result<KeyPartFile> add_key_part(const std::string& label, const SecretBytes& part,
                                   const SecretBytes& password) const;
  // InvalidArgument unless `label` is free for a signature key, whatever its ending.
  Result<void> check_signature_key_label(const std::string& label) const;
  // The files with this ending, sorted.
  Result<std::vector<std::string>> paths(std::string_view ending) const;
  // Errors: Io.
  Result<void> remove(const std::string& path) const;

  // nullopt when none is pinned for this address. Errors: InvalidArgument (damaged file).
  Result<std::optional<tke::AttestationRoot>> pinned_root(const std::string& address) const;
  Result<void> pin_root(const std::string& address, const tke::AttestationRoot& root) const;

  Result<std::vector<WorkingUnit>> working_set() const;  // empty when there is none
  Result<void> save_working_set(const std::vector<WorkingUnit>& units) const;

 private:
  explicit CeremonyFiles(std::string directory) : directory_(std::move(directory)) {}
  std::string directory_;
};

// What signs with the key in a file (not with a reference), and the part. Errors: DecryptFailed
// (wrong password), InvalidArgument.
Result<std::unique_ptr<tke::Signer>> load_signature_key(const SignatureKeyFile& file,
                                                        const SecretBytes& password);
Result<SecretBytes> load_key_part(const KeyPartFile& file, const SecretBytes& password);

}  // namespace keyhaven::cli
