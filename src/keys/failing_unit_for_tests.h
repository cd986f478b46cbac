// A crypto unit that makes no root keys while a test says so, and counts how often it was asked.
#pragma once

#include <optional>
#include <utility>

#include "unit/forwarding_unit_for_tests.h"

namespace keyhaven::keys {

class FailingUnit final : public unit::ForwardingUnit {
 public:
  using ForwardingUnit::ForwardingUnit;

  // Asked for a key of `only` (all instances when absent), it fails so.
  void fail_with(std::optional<Error> error, std::optional<InstanceId> only = std::nullopt) {
    failure_ = std::move(error);
    only_ = only;
  }
  int asked = 0;

  Result<unit::SealedRootKey> generate_root_key(const unit::KeyBinding& binding) override {
    ++asked;
    if (failure_ && (!only_ || *only_ == binding.instance)) return *failure_;
    return real_.generate_root_key(binding);
  }

 private:
  std::optional<Error> failure_;
  std::optional<InstanceId> only_;
};

}  // namespace keyhaven::keys
