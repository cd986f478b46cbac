// Stored keys that a test counts by hand, for tests of routes.
#pragma once

#include "instances/master_key_rotation.h"

namespace keyhaven::instances {

class FixedStoredKeys final : public StoredKeys {
 public:
  StoredCensus census(const InstanceId&) const override { return current; }
  std::unique_ptr<Run> begin(const InstanceId&, const unit::BlobPattern&,
                             const unit::BlobPattern&) override {
    return std::make_unique<NothingToDo>();
  }
  StoredCensus current;

 private:
  class NothingToDo final : public Run {
   public:
    Result<Step> step() override { return Step{true, {}}; }
  };
};

}  // namespace keyhaven::instances
