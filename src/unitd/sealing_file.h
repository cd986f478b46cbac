// Sealing by a key file (methods "file" and "none"): 32 random bytes beside the state.
//
// A change writes the new key as FILE.next, then the state, then renames the key over the old one:
// whatever a crash leaves, one of the two files opens the state.
#pragma once

#include <string>

#include "unitd/sealing.h"

namespace keyhaven::unitd {

inline constexpr std::size_t kSealingKeySize = 32;

// Reads a key file. Errors: NotFound, InvalidArgument (of another size, open to others, not the
// unit's), Io.
Result<SecretBytes> read_sealing_key(const std::string& path);

class KeyFileSealing final : public Sealing {
 public:
  // `method` is KeyFile or None; None keeps the master keys out of the state.
  KeyFileSealing(std::string path, unit::SealingMethod method)
      : path_(std::move(path)), method_(method) {}

  unit::SealingMethod method() const noexcept override { return method_; }
  std::string reference() const override { return path_; }
  bool keeps_master_keys() const noexcept override { return method_ != unit::SealingMethod::None; }
  Result<WrappedKey> wrap(const SecretBytes& data_key, Occasion occasion) override;
  Result<SecretBytes> unwrap(const WrappedKey& stored) override;
  void committed() override;
  void abandoned() override;
  void retire(unit::SealingMethod successor) override;

 private:
  std::string next_path() const { return path_ + ".next"; }

  std::string path_;
  unit::SealingMethod method_;
  bool has_next_ = false;
};

}  // namespace keyhaven::unitd
