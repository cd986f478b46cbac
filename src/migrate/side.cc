#include "migrate/side.h"

namespace keyhaven::migrate {

Result<client::ApiClient> Side::connect() const {
  client::ClientSettings settings;
  settings.correlation_prefix = correlation_prefix_;
  settings.retry = retry_;
  return client::ApiClient::create(endpoint_, tokens_, std::move(settings));
}

}  // namespace keyhaven::migrate
