#include "server/route_list.h"

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>

#include "channel/blocking_client.h"
#include "server/core.h"
#include "server/no_guard.h"

namespace keyhaven::server {
namespace {

class NoFence final : public keys::Fence {
 public:
  Result<void> fence(const std::vector<unit::KeyBlob>&) override { return {}; }
};

std::string_view access_name(iam::Access access) {
  switch (access) {
    case iam::Access::Open:
      return "open";
    case iam::Access::AnyCaller:
      return "any caller";
    case iam::Access::Roles:
      return "roles";
  }
  fatal(__FILE__, __LINE__, "unknown Access");
}

boost::json::object describe(const http::Route& route) {
  const iam::ActionInfo& info = iam::info(route.action);
  boost::json::array roles;
  for (std::size_t i = 0; i < iam::kRoleCount; ++i) {
    const auto role = static_cast<iam::Role>(i);
    if ((info.roles & iam::bit(role)) != 0)
      roles.push_back(boost::json::string(iam::name_of(role)));
  }
  boost::json::object out{
      {"method", http::name_of(route.method)}, {"path", route.pattern}, {"event", info.event},
      {"access", access_name(info.access)},    {"roles", roles},        {"audited", info.recorded}};
  if (!route.legacy_action.empty()) out["query"] = "action=" + std::string(route.legacy_action);
  return out;
}

}  // namespace

Result<std::string> list_routes() {
  char name[] = "/tmp/keyhaven-routes-XXXXXX";
  if (::mkdtemp(name) == nullptr) return Error{Reason::Io, "cannot make a temporary directory", {}};
  Config config;
  config.data_directory = name;
  config.workers = 1;
  std::string text = "[";
  Result<void> done = [&]() -> Result<void> {
    const SystemClock clock;
    audit::LogOptions log_options;
    log_options.directory = config.audit_path();
    KH_TRY(make_directory(config.server_directory(), 0700));
    const auto log =
        KH_TRY(audit::Log::open(log_options, crypto::Ed25519PrivateKey::generate(), clock));
    channel::BlockingClient unit;
    NoFence fence;
    NoGuard guard;
    const web::WebFiles no_files;
    const auto core = KH_TRY(Core::open({config,
                                         clock,
                                         *log,
                                         unit,
                                         unit,
                                         guard,
                                         unit,
                                         {},
                                         fence,
                                         1,
                                         Endpoints{"https://localhost"},
                                         {},
                                         [] { return Result<void>(); },
                                         no_files}));
    for (const http::Route& route : core->api().routes()) {
      text += (text.size() > 1 ? ",\n " : "") + boost::json::serialize(describe(route));
    }
    return {};
  }();
  std::filesystem::remove_all(name);
  if (!done) return std::move(done).error();
  return text + "]\n";
}

}  // namespace keyhaven::server
