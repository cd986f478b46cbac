#include "cli/unit_service.h"

#include <chrono>
#include <thread>

#include "cli/context.h"

namespace keyhaven::cli {
namespace {

constexpr std::chrono::milliseconds kPause{500};

Error not_offered() {
  return {Reason::NotSupported, "this service does not offer that: it is no Keyhaven server", {}};
}

class ApiUnitService final : public UnitService {
 public:
  explicit ApiUnitService(client::ApiClient api) : api_(std::move(api)) {}

  std::string address() const override {
    const client::Endpoint& endpoint = api_.endpoint();
    return endpoint.tke_url.empty() ? endpoint.url : endpoint.tke_url;
  }
  Result<std::vector<InstanceName>> instances() override {
    const auto all = KH_TRY(api_.list_instances());
    std::vector<InstanceName> out;
    for (const client::Instance& one : all) out.push_back({one.guid, one.name});
    return out;
  }
  Result<std::vector<client::CryptoUnitEntry>> units(const std::string& instance) override {
    api_.set_instance(instance);
    return api_.list_units();
  }
  Result<std::string> administer(const std::string& instance, const std::string& hsm_id,
                                 const std::string& request) override {
    api_.set_instance(instance);
    return api_.administer(hsm_id, request, accepts_key_loss_);
  }
  Result<std::string> create_instance(const std::string& name) override {
    client::CreateInstance request;
    request.name = name;
    request.units = 1;
    client::Instance made = KH_TRY(api_.create_instance(request));
    return std::move(made.guid);
  }
  Result<std::uint64_t> count_keys(const std::string& instance) override {
    api_.set_instance(instance);
    client::KeyQuery query;
    query.states = {client::kPreActive, client::kActive, client::kSuspended, client::kDeactivated,
                    client::kDestroyed};
    return api_.count_keys(query);
  }
  Result<void> delete_instance(const std::string& instance) override {
    return api_.delete_instance(instance);
  }
  Result<client::AttestationRootClaim> claimed_root() override { return api_.attestation_root(); }
  Result<client::MasterKeyRotation> rotation(const std::string& instance) override {
    api_.set_instance(instance);
    return api_.rotation();
  }
  Result<client::MasterKeyRotation> start_rotation(const std::string& instance) override {
    api_.set_instance(instance);
    return api_.start_rotation();
  }
  Result<client::MasterKeyRotation> abandon_rotation(const std::string& instance) override {
    api_.set_instance(instance);
    return api_.abandon_rotation();
  }
  Result<client::Proposal> propose(const std::string& instance, const std::string& hsm_id,
                                   ByteView block, const std::string& note) override {
    api_.set_instance(instance);
    return api_.create_proposal(hsm_id, block, note);
  }
  Result<std::vector<client::Proposal>> proposals(const std::string& instance) override {
    api_.set_instance(instance);
    return api_.list_proposals();
  }
  Result<client::Proposal> proposal(const std::string& instance, const std::string& id) override {
    api_.set_instance(instance);
    return api_.get_proposal(id);
  }
  Result<client::Proposal> sign_proposal(const std::string& instance, const std::string& id,
                                         ByteView signer_info) override {
    api_.set_instance(instance);
    return api_.sign_proposal(id, signer_info);
  }
  Result<client::Proposal> send_proposal(const std::string& instance,
                                         const std::string& id) override {
    api_.set_instance(instance);
    return api_.send_proposal(id, accepts_key_loss_);
  }
  Result<void> delete_proposal(const std::string& instance, const std::string& id) override {
    api_.set_instance(instance);
    return api_.delete_proposal(id);
  }
  Result<client::TranscriptPage> transcript(const std::string& instance, std::uint64_t start,
                                            std::uint64_t limit) override {
    api_.set_instance(instance);
    return api_.transcript(start, limit);
  }
  Result<void> resize(const std::string& instance, const client::UpdateInstance& change) override {
    const client::Instance changed = KH_TRY(api_.update_instance(instance, change));
    static_cast<void>(changed);
    return {};
  }
  void accept_key_loss(bool accepted) override { accepts_key_loss_ = accepted; }
  void pause() override { std::this_thread::sleep_for(kPause); }

 private:
  client::ApiClient api_;
  bool accepts_key_loss_ = false;
};

}  // namespace

Result<client::MasterKeyRotation> UnitService::rotation(const std::string&) {
  return not_offered();
}
Result<client::MasterKeyRotation> UnitService::start_rotation(const std::string&) {
  return not_offered();
}
Result<client::MasterKeyRotation> UnitService::abandon_rotation(const std::string&) {
  return not_offered();
}
Result<client::Proposal> UnitService::propose(const std::string&, const std::string&, ByteView,
                                              const std::string&) {
  return not_offered();
}
Result<std::vector<client::Proposal>> UnitService::proposals(const std::string&) {
  return not_offered();
}
Result<client::Proposal> UnitService::proposal(const std::string&, const std::string&) {
  return not_offered();
}
Result<client::Proposal> UnitService::sign_proposal(const std::string&, const std::string&,
                                                    ByteView) {
  return not_offered();
}
Result<client::Proposal> UnitService::send_proposal(const std::string&, const std::string&) {
  return not_offered();
}
Result<void> UnitService::delete_proposal(const std::string&, const std::string&) {
  return not_offered();
}
Result<client::TranscriptPage> UnitService::transcript(const std::string&, std::uint64_t,
                                                       std::uint64_t) {
  return not_offered();
}
Result<void> UnitService::resize(const std::string&, const client::UpdateInstance&) {
  return not_offered();
}
void UnitService::accept_key_loss(bool) {}
void UnitService::pause() {}

Result<std::unique_ptr<UnitService>> api_unit_service(Context& context) {
  client::ApiClient api = KH_TRY(context.api());
  std::unique_ptr<UnitService> service = std::make_unique<ApiUnitService>(std::move(api));
  return service;
}

}  // namespace keyhaven::cli
