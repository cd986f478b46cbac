#include "client/token_source.h"

#include <array>
#include <mutex>

#include "client/decode.h"
#include "client/encode.h"
#include "client/secret_json.h"
#include "net/http_client.h"

namespace keyhaven::client {
namespace {

constexpr std::int64_t kRenewBeforeSeconds = 60;
constexpr std::int64_t kWorthRenewingAfterSeconds = 60;
constexpr std::size_t kMaxTokenAnswer = 256 * 1024;

class ApiKeyTokenSource final : public TokenSource {
 public:
  ApiKeyTokenSource(net::HttpClient http, SecretBytes api_key, RetryPolicy retry,
                    const Clock& clock)
      : http_(std::move(http)),
        api_key_(std::move(api_key)),
        retry_(std::move(retry)),
        clock_(clock) {}

  Result<SecretBytes> authorization() override {
    const std::lock_guard lock(mutex_);
    const Timestamp now = clock_.now();
    if (!token_.empty() && now < renew_at_) return token_.clone();
    auto fetched = fetch();
    if (fetched) return token_.clone();
    if (!token_.empty() && now < expires_) return token_.clone();
    return std::move(fetched).error();
  }

  bool refused(const SecretBytes& used) override {
    const std::lock_guard lock(mutex_);
    if (!(used == token_)) return true;  // somebody renewed it meanwhile
    if (clock_.now() < fetched_.plus_seconds(kWorthRenewingAfterSeconds)) return false;
    token_ = {};
    return true;
  }

 private:
  SecretBytes form() const {
    JsonWriter out;
    out.raw("grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=");
    append_percent_encoded(out, api_key_.expose());
    return out.finish();
  }

  Result<void> fetch() {
    net::ClientRequest request;
    request.method = "POST";
    request.target = "/identity/token";
    request.headers = {{"Accept", "application/json"},
                       {"Content-Type", "application/x-www-form-urlencoded"},
                       {"User-Agent", "keyhaven/" KH_VERSION}};
    request.body = form();
    request.has_body = true;
    for (unsigned number = 1;; ++number) {
      const Timestamp asked = clock_.now();
      auto sent = http_.send(request);
      if (sent && sent.value().status == 200) return accept(std::move(sent).value(), asked);
      Attempt attempt;
      attempt.number = number;
      std::string retry_after;
      Error error;
      if (sent) {
        attempt.status = sent.value().status;
        retry_after = sent.value().header("retry-after");
        attempt.retry_after = retry_after;
        error = refusal(sent.value());
      } else {
        error = std::move(sent).error();
        attempt.local_failure =
            error.reason != Reason::Io && error.reason != Reason::DeadlineExceeded;
        error.message = "log in: " + error.message;
      }
      const auto wait = next_wait(retry_, attempt, Repeat::Safe, 0.5);
      if (!wait) return error;
      wait_for(retry_, *wait);
    }
  }

  Error refusal(const net::ClientResponse& response) {
    const auto bytes = response.body.expose();
    const ErrorBody body = decoder_.error(as_text(bytes));
    const Reason reason = reason_of(response.status, body.code);
    std::string message = "log in: ";
    message += body.message.empty()
                   ? "the token endpoint answered HTTP " + std::to_string(response.status)
                   : body.message;
    if (reason == Reason::UnknownApiKey)
      message += "; check that the API key belongs to this service";
    if (!body.code.empty()) message += " (" + body.code + ")";
    return {reason, std::move(message), {}};
  }

  Result<void> accept(net::ClientResponse response, Timestamp asked) {
    constexpr std::array<std::string_view, 4> kNames{"access_token", "refresh_token",
                                                     "delegated_refresh_token", "id_token"};
    auto secrets = KH_TRY(take_secrets(response.body, kNames));
    const SecretBytes token = take(secrets, "access_token");
    if (token.empty())
      return Error{Reason::BadBody, "log in: the answer holds no access_token", "access_token"};
    for (const std::uint8_t byte : token.expose()) {
      if (byte <= 0x20 || byte >= 0x7f)
        return Error{Reason::BadBody, "log in: the token is not a token", "access_token"};
    }
    const TokenTimes times = KH_TRY(decoder_.token(as_text(response.body.expose())));
    JsonWriter value;
    value.raw("Bearer ").raw(token.expose());
    token_ = value.finish();
    fetched_ = asked;
    expires_ = asked.plus_seconds(times.expires_in_seconds);
    const std::int64_t early = times.expires_in_seconds < 2 * kRenewBeforeSeconds
                                   ? times.expires_in_seconds / 2
                                   : kRenewBeforeSeconds;
    renew_at_ = expires_.plus_seconds(-early);
    return {};
  }

  std::mutex mutex_;
  net::HttpClient http_;
  const SecretBytes api_key_;
  const RetryPolicy retry_;
  const Clock& clock_;
  Decoder decoder_;
  SecretBytes token_;
  Timestamp fetched_;
  Timestamp expires_;
  Timestamp renew_at_;
};

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace

Result<std::shared_ptr<TokenSource>> TokenSource::create(TokenOptions options) {
  while (!options.iam_url.empty() && options.iam_url.back() == '/') options.iam_url.pop_back();
  if (options.iam_url.empty()) {
    return Error{Reason::InvalidArgument,
                 "no identity URL; give --iam-url or KH_IAM_URL (https://host[:port])", "iam_url"};
  }
  if (options.api_key.empty()) {
    return Error{
        Reason::InvalidArgument,
        "no API key; run \"keyhaven login\", or give --api-key-file, KH_API_KEY_FILE or KH_API_KEY",
        "api_key"};
  }
  net::ClientOptions http_options;
  http_options.base_url = options.iam_url;
  http_options.ca_pem = options.ca_pem;
  http_options.max_response_bytes = kMaxTokenAnswer;
  net::HttpClient http = KH_TRY(net::HttpClient::create(std::move(http_options)));
  std::shared_ptr<TokenSource> source = std::make_shared<ApiKeyTokenSource>(
      std::move(http), std::move(options.api_key), std::move(options.retry),
      options.clock != nullptr ? *options.clock : system_clock());
  return source;
}

}  // namespace keyhaven::client
