// What every command works with: where the service is and who asks, the streams, questions to the
// person, the chosen action.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "cli/prompt.h"
#include "cli/unit_service.h"
#include "client/api_client.h"

namespace CLI {
class App;
}

namespace keyhaven::cli {

enum class OutputFormat : std::uint8_t { Table, Json };

// As given on the command line; empty: not given.
struct GlobalOptions {
  std::string url;
  std::string iam_url;
  std::string ca_file;
  std::string api_key_file;
  std::string instance;
  std::string output = "table";  // "table" or "json"
  std::string profile_file;      // --config
};

// Option, then environment, then profile. Paths as given; "-" of api_key_file is standard input.
struct Settings {
  std::string url;
  std::string iam_url;  // empty: url
  std::string tke_url;  // empty: url
  std::string ca_file;
  std::string api_key_file;
  std::string instance;
};

// Names to values, so that tests need not touch the process environment.
using Environment = std::map<std::string, std::string>;
Environment process_environment();

// One run of the program. Not thread-safe; commands that use threads take what they need first.
class Context {
 public:
  // Borrows the streams and the prompt for its life.
  Context(std::istream& in, std::ostream& out, std::ostream& err, Prompt& prompt,
          Environment environment);

  GlobalOptions options;
  // Set by the command that the arguments chose; run by cli::run after parsing.
  std::function<Result<void>()> action;
  // Tests put a crypto unit of their own here; unset: the API.
  std::function<Result<std::unique_ptr<UnitService>>()> unit_service_factory;

  std::istream& in() noexcept { return in_; }
  std::ostream& out() noexcept { return out_; }
  std::ostream& err() noexcept { return err_; }
  Prompt& prompt() noexcept { return prompt_; }
  const Environment& environment() const noexcept { return environment_; }
  // Empty when unset.
  std::string variable(std::string_view name) const;
  OutputFormat format() const noexcept;
  bool wants_json() const noexcept { return format() == OutputFormat::Json; }
  // Whether progress bars may be drawn on err().
  bool err_is_terminal() const noexcept;

  // Errors: InvalidArgument for a profile that cannot be read.
  Result<Settings> settings() const;
  // The service with URL, CA text and instance (empty when none is chosen). Errors: InvalidArgument
  // without a URL or with a CA file that cannot be read.
  Result<client::Endpoint> endpoint() const;
  // The caller's API key: --api-key-file, KH_API_KEY_FILE, KH_API_KEY, IBMCLOUD_API_KEY, profile.
  // Errors: InvalidArgument.
  Result<SecretBytes> api_key();
  // One per run, for endpoint(); made on first use.
  Result<std::shared_ptr<client::TokenSource>> tokens();
  // A new client (one per thread) for endpoint() and tokens(). Errors: InvalidArgument.
  Result<client::ApiClient> api();
  // The same, and an instance must be chosen.
  Result<client::ApiClient> instance_api();
  // Crypto units: unit_service_factory, else over api().
  Result<std::unique_ptr<UnitService>> unit_service();

 private:
  std::istream& in_;
  std::ostream& out_;
  std::ostream& err_;
  Prompt& prompt_;
  Environment environment_;
  std::shared_ptr<client::TokenSource> tokens_;
};

// Makes `run` the program's action when `command` is the one the arguments choose.
void on(CLI::App& command, Context& context, std::function<Result<void>()> run);

// A text file of at most `limit` bytes. Errors: InvalidArgument (name and cause).
Result<std::string> read_text(const std::string& path, std::size_t limit);
// A secret from a file, or from the context's standard input for "-". With Newline::Strip one line
// end at the end is dropped. Errors: InvalidArgument (unreadable, empty, above `limit`).
enum class Newline : std::uint8_t { Keep, Strip };
Result<SecretBytes> read_secret(Context& context, const std::string& path, std::size_t limit,
                                Newline newline);

}  // namespace keyhaven::cli
