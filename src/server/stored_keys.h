// The stored keys as the rotation of master keys sees them: instances/ does not know keys/.
#pragma once

#include "instances/master_key_rotation.h"
#include "keys/resealer.h"

namespace keyhaven::server {

// Borrows everything.
class StoredKeys final : public instances::StoredKeys {
 public:
  StoredKeys(const keys::Directory& directory, const keys::ImportTokens& tokens,
             keys::Resealer& resealer)
      : directory_(directory), tokens_(tokens), resealer_(resealer) {}

  instances::StoredCensus census(const InstanceId& instance) const override;
  std::unique_ptr<Run> begin(const InstanceId& instance, const unit::BlobPattern& from,
                             const unit::BlobPattern& to) override;

 private:
  const keys::Directory& directory_;
  const keys::ImportTokens& tokens_;
  keys::Resealer& resealer_;
};

}  // namespace keyhaven::server
