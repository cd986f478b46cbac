// One of the two services of a migration: where it is and how to reach it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/api_client.h"

namespace keyhaven::migrate {

// How a plan names a service: addresses and file names, no secret.
struct EndpointRef {
  std::string url;
  std::string iam_url;       // empty: url
  std::string ca_file;       // empty: the system's roots
  std::string api_key_file;  // empty: from the environment of the command
  std::string instance;

  bool operator==(const EndpointRef&) const = default;
};

// Makes clients of one service. Thread-safe; each thread asks for a client of its own.
class Side {
 public:
  Side(client::Endpoint endpoint, std::shared_ptr<client::TokenSource> tokens,
       std::string correlation_prefix, client::RetryPolicy retry = {})
      : endpoint_(std::move(endpoint)),
        tokens_(std::move(tokens)),
        correlation_prefix_(std::move(correlation_prefix)),
        retry_(std::move(retry)) {}

  // Errors: InvalidArgument.
  Result<client::ApiClient> connect() const;
  const std::string& instance() const noexcept { return endpoint_.instance; }

 private:
  client::Endpoint endpoint_;
  std::shared_ptr<client::TokenSource> tokens_;
  // First hex digits of the plan's id: both audit logs name the plan.
  std::string correlation_prefix_;
  client::RetryPolicy retry_;
};

// Where long work tells how far it is. Called from one thread at a time.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void progress(std::uint64_t done, std::uint64_t total) = 0;  // total 0: unknown
  virtual void note(const std::string& line) = 0;  // one finished or refused item
};

}  // namespace keyhaven::migrate
