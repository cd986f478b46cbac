// The local console: an HTTP server on loopback for the browser of the person who runs it.
//
//   request -> Host is ours -> a file of the page, or: the request is our page's, has the session's
//   cookie -> answered here (/local/, /v1/console/session) or passed on to the server.
//
// ADR 0028 says why the page that runs here may be trusted with key files.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "console/upstream.h"
#include "web/web_files.h"

namespace keyhaven::console {

// What there is to show of migrations on this machine; read-only. Called on worker threads, several
// at once.
class Migrations {
 public:
  virtual ~Migrations() = default;
  // Names of plans, sorted; each is one of the directory's own file names.
  virtual Result<std::vector<std::string>> names() const = 0;
  // JSON: {"name","text","plan","mistake"}: the plan's file and what it says, or, with "plan" null,
  // why it cannot be read as a plan; the status as `keyhaven migrate status` shows it; the newest
  // report. Errors: NotFound, and those of reading.
  virtual Result<std::string> plan(const std::string& name) const = 0;
  virtual Result<std::string> status(const std::string& name) const = 0;
  virtual Result<std::string> report(const std::string& name) const = 0;
};

struct ConsoleOptions {
  std::uint16_t port = 0;  // 0: the system chooses
  web::WebFiles files;
  ServerAddresses server;
  std::shared_ptr<client::TokenSource> tokens;
  // JSON of the attestation root that the administrator pinned; empty: none.
  std::string attestation_root;
  std::unique_ptr<Migrations> migrations;  // null: none to show
  // What idle() is measured by.
  std::chrono::steady_clock::time_point (*steady_now)() = &std::chrono::steady_clock::now;
};

class Console {
 public:
  // Listens on 127.0.0.1; answers from now on. Borrows the clock. Errors: InvalidArgument (an
  // address, the CA), AlreadyExists (the port).
  static Result<std::unique_ptr<Console>> start(ConsoleOptions options, const Clock& clock);
  virtual ~Console() = default;

  virtual std::uint16_t port() const noexcept = 0;
  // "http://127.0.0.1:PORT/console/#start=TOKEN": opens the console once; for the person only.
  virtual SecretBytes start_address() const = 0;
  // Since the last request with the session's cookie that a person caused (last_use.h), or the
  // start.
  virtual std::chrono::seconds idle() const = 0;
  // Stops answering; what was passed on may still be under way on the server.
  virtual void stop() = 0;
};

}  // namespace keyhaven::console
