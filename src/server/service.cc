// The order matters. Lock, bind and prepare as the user who started; fork the launcher while this
// process is small and single-threaded; give up privileges; only then read secrets, open the store
// and start threads.
#include "server/service.h"

#include <pthread.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/json.hpp>
#include <optional>

#include "base/file.h"
#include "base/locked_arena.h"
#include "channel/blocking_client.h"
#include "channel/loop_client.h"
#include "net/url.h"
#include "server/confine.h"
#include "server/core.h"
#include "server/found_records.h"
#include "server/housekeeping.h"
#include "server/key_material.h"
#include "server/loop_fence.h"
#include "server/oidc_settings.h"
#include "server/privileges.h"
#include "server/sealing_launch.h"
#include "server/token_launch.h"
#include "server/unit_launcher.h"
#include "server/unit_supervisor.h"
#include "web/web_files.h"

namespace keyhaven::server {
namespace {

constexpr std::chrono::seconds kUnitStartLimit{30};
constexpr std::size_t kLoggedSuspects = 100;  // `keyhaven store verify` names more

void configure_log(const Config& config) {
  auto logger = spdlog::stderr_logger_mt("keyhavend");
  logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})",
                      spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::from_str(config.log_level));
  spdlog::set_default_logger(std::move(logger));
}

// One structured line; `text` is quoted as JSON.
void log_line(spdlog::level::level_enum level, std::string_view event,
              const boost::json::object& fields) {
  std::string text = boost::json::serialize(fields);
  spdlog::log(level, R"("event":{}{}{})", boost::json::serialize(boost::json::string(event)),
              fields.empty() ? "" : ",",
              fields.empty() ? "" : std::string_view(text).substr(1, text.size() - 2));
}

void log_sweep_state(const std::string& failure) {
  if (failure.empty()) return log_line(spdlog::level::info, "time's work on keys goes on", {});
  log_line(spdlog::level::warn,
           "a key that is due could not be changed; the next sweep tries again",
           {{"cause", failure}});
}

// Every connection is a descriptor; the hard limit is what the operator allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

std::string url_of(const std::string& listen, std::uint16_t port) {
  const bool v6 = listen.find(':') != std::string::npos;
  const bool any = listen == "0.0.0.0" || listen == "::";
  const std::string host = any ? "localhost" : v6 ? "[" + listen + "]" : listen;
  return "https://" + host + ":" + std::to_string(port);
}

// Everything that lives from start to stop, in the order in which it is made.
class Service {
 public:
  explicit Service(const Config& config) : config_(config) {}
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service() { stop(); }

  Result<void> start() {
    KH_TRY(prepare());
    KH_TRY(restrict());
    KH_TRY(open());
    return serve();
  }

  // Waits for SIGTERM or SIGINT, or for the loss of the launcher. Errors: UnitUnavailable for the
  // latter.
  Result<void> wait(const sigset_t& signals) {
    while (true) {
      const timespec second{1, 0};
      const int signal = sigtimedwait(&signals, nullptr, &second);
      if (signal == SIGTERM || signal == SIGINT) return {};
      if (supervisor_->status().launcher_lost) {
        return Error{Reason::UnitUnavailable,
                     "the launcher of the crypto unit is gone; start the server again",
                     {}};
      }
    }
  }

  void stop() {
    if (stopped_) return;
    stopped_ = true;
    if (housekeeping_) housekeeping_->stop();
    if (server_) server_->stop();
    // No worker waits for seconds any more; at the provider for one request at most.
    if (slow_) slow_->detach("the server is stopping");
    if (oidc_transport_) oidc_transport_->stop();
    if (core_) core_->stop_workers();
    if (blocking_) blocking_->detach();
    loop_clients_.clear();  // the loops have stopped
    if (supervisor_) supervisor_->stop();
    core_.reset();
    if (log_) static_cast<void>(log_->checkpoint());
    if (lock_) ::unlink(endpoint_path().c_str());  // not another server's
  }

 private:
  // As the user who started: directories, lock, port, launcher.
  Result<void> prepare() {
    if (started_by_root()) {
      server_user_ = KH_TRY(find_user(config_.user, "server.user"));
      const User unit = KH_TRY(find_user(config_.unit_user, "unit.user"));
      unit_user_ = UnitLaunchOptions::User{unit.uid, unit.gid};
    }
    KH_TRY(prepare_server_directory(config_, server_user_));
    lock_ = KH_TRY(DirectoryLock::acquire(config_.server_directory()));
    if (started_by_root()) KH_TRY(give_to(config_.server_directory() + "/LOCK", server_user_));
    ::unlink(endpoint_path().c_str());
    KH_TRY(bind());
    oidc_files_ = KH_TRY(read_oidc_files(config_));
    return launch();
  }

  Result<void> bind() {
    net::TlsFiles tls = KH_TRY(tls_files(config_, clock_.now()));
    if (started_by_root()) KH_TRY(give_to(config_.server_directory() + "/tls", server_user_));
    net::ServerOptions options;
    options.address = config_.listen;
    options.port = static_cast<std::uint16_t>(config_.port);
    options.private_address = config_.private_listen;
    options.private_port = static_cast<std::uint16_t>(config_.private_port);
    options.loops = static_cast<unsigned>(config_.loops);
    options.max_body_bytes = static_cast<std::size_t>(config_.max_body_bytes);
    options.max_connections = static_cast<std::size_t>(config_.max_connections);
    options.idle_timeout = std::chrono::seconds(config_.idle_timeout_seconds);
    options.request_timeout = std::chrono::seconds(config_.request_timeout_seconds);
    options.drain_timeout = std::chrono::seconds(config_.drain_timeout_seconds);
    server_ = KH_TRY(net::Server::create(options, std::move(tls)));
    return {};
  }

  Result<void> launch() {
    UnitLaunchOptions options;
    options.program = config_.unit_program;
    if (options.program.empty()) options.program = KH_TRY(program_directory()) + "/keyhaven-unit";
    options.state_directory = config_.unit_directory();
    options.key_file = config_.unit_key_path();
    options.channels = server_->loop_count() + 2;
    options.user = unit_user_;
    options.sandbox = config_.unit_sandbox;
    options.memory_lock = config_.unit_memory_lock;
    options.sealing = sealing_launch(config_);
    launch_with_backend(config_, options);
    launcher_.emplace(KH_TRY(UnitLauncher::fork_launcher(options)));
    return {};
  }

  // Gives up what the server does not need.
  Result<void> restrict() {
    if (started_by_root()) KH_TRY(become(server_user_));
    KH_TRY(load_web());
    const std::string missing = KH_TRY(confine_server(config_, unit_user_.has_value()));
    if (!missing.empty())
      log_line(spdlog::level::warn, "the server is not fully confined", {{"cause", missing}});
    return {};
  }

  // Before Landlock, which leaves the server none of these files. Without them keys are served all
  // the same.
  Result<void> load_web() {
    std::string directory = config_.web_dir;
    if (directory.empty()) directory = KH_TRY(program_directory()) + "/../share/keyhaven/web";
    auto files = web::WebFiles::load(directory);
    if (files) {
      web_ = std::move(files).value();
      log_line(spdlog::level::info, "console", {{"files", web_.count()}});
    } else {
      const bool expected = files.error().reason == Reason::NotFound && config_.web_dir.empty();
      log_line(expected ? spdlog::level::info : spdlog::level::warn, "no console",
               {{"cause", files.error().message}});
    }
    return {};
  }

  Result<void> open() {
    auto checkpoint_key = KH_TRY(audit_checkpoint_key(config_));
    audit_public_key_ = checkpoint_key.public_key();
    audit::LogOptions options;
    options.directory = config_.audit_path();
    options.loop_streams = server_->loop_count();
    log_ = KH_TRY(audit::Log::open(options, std::move(checkpoint_key), clock_));
    const std::chrono::milliseconds deadline(config_.unit_call_timeout_ms);
    blocking_ = std::make_unique<channel::BlockingClient>(channel::BlockingClientOptions{deadline});
    slow_ = std::make_unique<channel::BlockingClient>(channel::BlockingClientOptions{
        std::chrono::milliseconds(config_.unit_slow_call_timeout_ms), slow_calls_at_once()});
    server_->start_loops();
    std::vector<unit::AsyncUnit*> units;
    for (unsigned i = 0; i < server_->loop_count(); ++i) {
      loop_clients_.push_back(std::make_unique<channel::LoopClient>(
          server_->loop(i), channel::LoopClientOptions{deadline}));
      units.push_back(loop_clients_.back().get());
    }
    fence_ = std::make_unique<LoopFence>(*server_, units, *blocking_, 2 * deadline);
    supervisor_ = std::make_unique<UnitSupervisor>(
        std::move(*launcher_),
        UnitSupervisor::Callbacks{[this](std::vector<FileDescriptor> channels, pid_t pid) {
                                    attach(std::move(channels), pid);
                                  },
                                  [this](const std::string& cause) { unit_down(cause); }});
    KH_TRY(supervisor_->wait_until_up(kUnitStartLimit));
    const Endpoints endpoints = KH_TRY(find_endpoints());
    core_ = KH_TRY(
        Core::open({config_, clock_, *log_, *blocking_, *slow_, *blocking_, *blocking_,
                    std::move(units), *fence_, server_->loop_count(), endpoints, audit_public_key_,
                    [this] { return unit_health(); }, web_, make_provider(endpoints)}));
    log_records();
    return {};
  }

  // What the start has found in the store.
  void log_records() const {
    if (const auto sealed = core_->sealed_records(); sealed && *sealed > 0) {
      log_line(spdlog::level::warn,
               "the stored records were sealed as they are: what was changed before is not known",
               {{"records", *sealed}});
    }
    const instances::RecordCheck& found = core_->found_records();
    if (found.faults == 0) return;
    boost::json::object counts{{"records", found.records}};
    for (const auto& [word, count] : counts_of(found)) counts[word] = count;
    log_line(spdlog::level::err, "stored records are not as the crypto unit sealed them last",
             counts);
    for (std::size_t i = 0; i < std::min(found.suspects.size(), kLoggedSuspects); ++i) {
      const instances::SuspectRecord& each = found.suspects[i];
      boost::json::object line{
          {"table", each.table}, {"id", each.id}, {"fault", instances::name_of(each.fault)}};
      if (each.instance != InstanceId{}) line["instance"] = each.instance.text();
      log_line(spdlog::level::err, "stored record not in use", line);
    }
  }

  Result<void> serve() {
    for (unsigned i = 0; i < server_->loop_count(); ++i) {
      server_->loop(i).every(std::chrono::seconds(1), [this, i] { core_->api().tick(i); });
    }
    housekeeping_ = std::make_unique<Housekeeping>(
        *log_, core_->key_service(), clock_,
        Housekeeping::Periods{std::chrono::seconds(config_.audit_checkpoint_seconds),
                              std::chrono::seconds(config_.sweep_period_seconds)},
        log_sweep_state);
    server_->serve(core_->api().handler(), http::Api::error_body());
    serving_ = true;
    write_endpoint(supervisor_->status().unit_pid);
    log_line(spdlog::level::info, "serving",
             {{"url", public_address()}, {"private_url", private_address()}, {"pid", ::getpid()}});
    return {};
  }

  // Nobody is asked yet: a provider that is down keeps no server from starting.
  oidc::Provider* make_provider(const Endpoints& endpoints) {
    if (config_.oidc_issuer.empty()) return nullptr;
    oidc_transport_.emplace(std::move(oidc_files_.ca_pem));
    oidc_.emplace(provider_options(config_, std::move(oidc_files_), endpoints.public_url),
                  *oidc_transport_, clock_);
    return &*oidc_;
  }

  // Each holds a worker, so they must never hold all of them.
  std::size_t slow_calls_at_once() const {
    return static_cast<std::size_t>(std::clamp<std::int64_t>(config_.workers / 4, 1, 8));
  }

  // Where the listeners are, as seen from this machine.
  std::string public_address() const { return url_of(config_.listen, server_->port()); }
  std::string private_address() const {
    if (server_->private_port() == 0) return {};
    return url_of(config_.private_listen, server_->private_port());
  }

  // What clients are told. Errors: InvalidArgument for a configured URL that is none.
  Result<Endpoints> find_endpoints() const {
    Endpoints out;
    out.public_url = config_.public_url.empty() ? public_address() : config_.public_url;
    out.private_network = server_->private_port() != 0;
    if (out.private_network)
      out.private_url = config_.private_url.empty() ? private_address() : config_.private_url;
    const net::HttpsUrl public_parts = KH_TRY(net::parse_https_url(out.public_url));
    out.private_port = out.private_url.empty() ? public_parts.port
                                               : KH_TRY(net::parse_https_url(out.private_url)).port;
    return out;
  }

  void attach(std::vector<FileDescriptor> channels, pid_t pid) {
    KH_ASSERT(channels.size() == loop_clients_.size() + 2);
    for (std::size_t i = 0; i < loop_clients_.size(); ++i)
      loop_clients_[i]->attach(std::move(channels[i]));
    slow_->attach(std::move(channels.back()));
    channels.pop_back();
    blocking_->attach(std::move(channels.back()));
    log_line(spdlog::level::info, "crypto unit is up", {{"pid", pid}});
    if (serving_) write_endpoint(pid);
  }

  void unit_down(const std::string& cause) {
    log_line(spdlog::level::err, "crypto unit is down", {{"cause", cause}});
    if (serving_) write_endpoint(0);
  }

  Result<void> unit_health() const {
    const UnitSupervisor::Status status = supervisor_->status();
    if (status.up) return {};
    return Error{Reason::UnitUnavailable,
                 status.last_cause.empty() ? "the crypto unit is starting"
                                           : "the crypto unit is down: " + status.last_cause,
                 {}};
  }

  // For tools on this machine: where the server is and which processes it is made of.
  void write_endpoint(pid_t unit) {
    boost::json::object endpoint{
        {"url", public_address()}, {"pid", ::getpid()}, {"unit_pid", unit}};
    if (server_->private_port() != 0) endpoint["private_url"] = private_address();
    const std::string text = boost::json::serialize(endpoint) + "\n";
    if (auto written = write_file_atomic(endpoint_path(), as_bytes(text), 0644); !written) {
      log_line(spdlog::level::warn, "endpoint.json not written",
               {{"cause", written.error().message}});
    }
  }

  std::string endpoint_path() const { return config_.server_directory() + "/endpoint.json"; }

  const Config& config_;
  SystemClock clock_;
  User server_user_;
  std::optional<UnitLaunchOptions::User> unit_user_;
  std::optional<DirectoryLock> lock_;
  web::WebFiles web_;
  OidcFiles oidc_files_;
  std::optional<oidc::HttpsTransport> oidc_transport_;
  std::optional<oidc::Provider> oidc_;
  std::array<std::uint8_t, 32> audit_public_key_{};
  std::unique_ptr<net::Server> server_;
  std::optional<UnitLauncher> launcher_;
  std::unique_ptr<audit::Log> log_;
  std::unique_ptr<channel::BlockingClient> blocking_;
  std::unique_ptr<channel::BlockingClient> slow_;  // not fenced: its calls keep no key in the unit
  std::vector<std::unique_ptr<channel::LoopClient>> loop_clients_;
  std::unique_ptr<LoopFence> fence_;
  std::unique_ptr<UnitSupervisor> supervisor_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<Housekeeping> housekeeping_;
  std::atomic<bool> serving_{false};
  bool stopped_ = false;
};

}  // namespace

Result<void> run(const Config& config) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals,
                  nullptr);  // every later thread inherits it; only wait() takes them
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(0077);
  KH_TRY(check_sealing(config));
  raise_descriptor_limit();
  configure_log(config);
  Service service(config);
  KH_TRY(service.start());
  const Result<void> ended = service.wait(signals);
  log_line(spdlog::level::info, "stopping", {});
  service.stop();
  return ended;
}

}  // namespace keyhaven::server
