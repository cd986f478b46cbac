// Where crypto units are reached: the public API, or a unit in the same process (tests).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "client/proposals.h"
#include "client/types.h"

namespace keyhaven::cli {

class Context;

struct InstanceName {
  std::string guid;
  std::string name;
};

class UnitService {
 public:
  virtual ~UnitService() = default;
  // For people and file names: the address.
  virtual std::string address() const = 0;
  virtual Result<std::vector<InstanceName>> instances() = 0;
  virtual Result<std::vector<client::CryptoUnitEntry>> units(const std::string& instance) = 0;
  // One HTPRequest text, its HTPResponse text.
  virtual Result<std::string> administer(const std::string& instance, const std::string& hsm_id,
                                         const std::string& request) = 0;
  // A new instance with one operational unit, its id; how many keys of any state an instance has;
  // the end of one whose units are zeroized. For scratch instances of drills.
  virtual Result<std::string> create_instance(const std::string& name) = 0;
  virtual Result<std::uint64_t> count_keys(const std::string& instance) = 0;
  virtual Result<void> delete_instance(const std::string& instance) = 0;
  // What the other side says its attestation root is: not to be believed without comparison.
  virtual Result<client::AttestationRootClaim> claimed_root() = 0;

  // --- Of our own servers; from others NotSupported ---
  virtual Result<client::MasterKeyRotation> rotation(const std::string& instance);
  virtual Result<client::MasterKeyRotation> start_rotation(const std::string& instance);
  virtual Result<client::MasterKeyRotation> abandon_rotation(const std::string& instance);
  // Proposals and the transcript (client/proposals.h).
  virtual Result<client::Proposal> propose(const std::string& instance, const std::string& hsm_id,
                                           ByteView block, const std::string& note);
  virtual Result<std::vector<client::Proposal>> proposals(const std::string& instance);
  virtual Result<client::Proposal> proposal(const std::string& instance, const std::string& id);
  virtual Result<client::Proposal> sign_proposal(const std::string& instance, const std::string& id,
                                                 ByteView signer_info);
  virtual Result<client::Proposal> send_proposal(const std::string& instance,
                                                 const std::string& id);
  virtual Result<void> delete_proposal(const std::string& instance, const std::string& id);
  virtual Result<client::TranscriptPage> transcript(const std::string& instance,
                                                    std::uint64_t start, std::uint64_t limit);
  // Another number of crypto units: of `change` only the counts.
  virtual Result<void> resize(const std::string& instance, const client::UpdateInstance& change);
  // From now on commands may take away a master key that stored keys need; the server refuses them
  // otherwise.
  virtual void accept_key_loss(bool accepted);
  // Between two looks at work that the service does by itself.
  virtual void pause();
};

// Over context.api().
Result<std::unique_ptr<UnitService>> api_unit_service(Context& context);

}  // namespace keyhaven::cli
