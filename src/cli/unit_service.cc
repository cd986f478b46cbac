#include "cli/unit_service.h"

#include "cli/context.h"

namespace keyhaven::cli {
namespace {

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
    return api_.administer(hsm_id, request);
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

 private:
  client::ApiClient api_;
};

}  // namespace

Result<std::unique_ptr<UnitService>> api_unit_service(Context& context) {
  client::ApiClient api = KH_TRY(context.api());
  std::unique_ptr<UnitService> service = std::make_unique<ApiUnitService>(std::move(api));
  return service;
}

}  // namespace keyhaven::cli
