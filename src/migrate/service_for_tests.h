// For the tests of this folder only: a key-management service that keeps its keys in a map and
// speaks just the calls the tool makes, behind a proxy that can lose an answer on the way.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/file.h"
#include "crypto/aes_modes.h"
#include "crypto/certificate.h"
#include "crypto/rsa_oaep.h"
#include "migrate/journal.h"
#include "migrate/planner.h"
#include "migrate/proxy_for_tests.h"
#include "net/http_server.h"

namespace keyhaven::migrate::testing {

struct FakeKey {
  std::string id = {};
  std::string name = {};
  std::string description = {};
  std::vector<std::string> tags = {};
  std::vector<std::string> aliases = {};
  std::string ring = "default";
  bool root = true;
  bool imported = false;
  int state = client::kActive;
  std::string expires = {};
  std::vector<std::string> material =
      {};  // base64, oldest first; of a standard key its one payload
  client::KeyPolicies policies = {};
  std::vector<client::Registration> registrations = {};
  std::string intent = {};  // CRN of the target
};

class FakeService {
 public:
  using Object = boost::json::object;
  // What happens to the answer of a request that was carried out.
  enum class Trouble : std::uint8_t { None, Cut, Status503 };

  explicit FakeService(std::string instance) : instance_(std::move(instance)) {
    const Timestamp now = SystemClock().now();
    auto ca = crypto::make_ca("Keyhaven test CA", now);
    auto issued = crypto::issue_server_certificate(ca.certificate_pem, ca.private_key_pem,
                                                   {"localhost"}, {"127.0.0.1"}, now, 2);
    EXPECT_TRUE(issued);
    ca_pem_ = ca.certificate_pem;
    net::ServerOptions options;
    options.loops = 1;
    options.drain_timeout = std::chrono::milliseconds(100);
    auto server =
        net::Server::create(options, {issued->certificate_pem, std::move(issued->private_key_pem)});
    EXPECT_TRUE(server);
    server_ = std::move(server).value();
    server_->serve([this](net::Request& request, net::Reply reply) { serve(request, reply); },
                   [](int status, std::string_view what) { return failure(status, what, what); });
    proxy_ = std::make_unique<Proxy>(server_->port());
  }
  FakeService(const FakeService&) = delete;
  FakeService& operator=(const FakeService&) = delete;
  ~FakeService() {
    proxy_.reset();
    server_->stop();
  }

  const std::string& ca_pem() const { return ca_pem_; }
  EndpointRef ref() const {
    EndpointRef out;
    out.url = "https://127.0.0.1:" + std::to_string(proxy_->port());
    out.instance = instance_;
    return out;
  }
  Side side() const { return side_of(ref(), ca_pem_); }
  static Side side_of(const EndpointRef& ref, const std::string& ca_pem) {
    client::RetryPolicy retry;
    retry.wait = [](std::chrono::milliseconds) {};
    client::TokenOptions tokens;
    tokens.iam_url = ref.url;
    tokens.ca_pem = ca_pem;
    tokens.api_key = SecretBytes::copy_of(std::string_view("test-api-key"));
    tokens.retry = retry;
    client::Endpoint endpoint;
    endpoint.url = ref.url;
    endpoint.ca_pem = ca_pem;
    endpoint.instance = ref.instance;
    return Side(endpoint, std::move(client::TokenSource::create(std::move(tokens))).value(),
                "0a1b2c3d", retry);
  }

  // --- What the test sees and changes ---
  void reset() {
    const std::lock_guard lock(mutex_);
    keys_.clear();
    rings_ = {"default"};
    instance_policies_.clear();
    requests_ = 0;
    trouble_at_ = 0;
  }
  std::string add(FakeKey key) {
    const std::lock_guard lock(mutex_);
    return insert(std::move(key)).id;
  }
  void add_ring(const std::string& ring) {
    const std::lock_guard lock(mutex_);
    rings_.insert(ring);
  }
  // A copy of everything.
  std::vector<FakeKey> keys() {
    const std::lock_guard lock(mutex_);
    std::vector<FakeKey> out;
    for (const auto& [id, key] : keys_) out.push_back(key);
    return out;
  }
  std::set<std::string> rings() {
    const std::lock_guard lock(mutex_);
    return rings_;
  }
  FakeKey key(const std::string& ref) {
    const std::lock_guard lock(mutex_);
    const FakeKey* found = find(ref);
    EXPECT_NE(found, nullptr) << ref;
    return found == nullptr ? FakeKey() : *found;
  }
  void change(const std::string& ref, const std::function<void(FakeKey&)>& how) {
    const std::lock_guard lock(mutex_);
    FakeKey* found = find(ref);
    ASSERT_NE(found, nullptr) << ref;
    how(*found);
  }
  // The answer of the `number`-th API request from now on (from 1) is troubled, once.
  void trouble_at(unsigned number, Trouble trouble) {
    const std::lock_guard lock(mutex_);
    requests_ = 0;
    trouble_at_ = number;
    trouble_ = trouble;
  }
  // Requests that `when` says so of (method, path) are refused without effect, until told
  // otherwise.
  using When = std::function<bool(std::string_view, std::string_view)>;
  void refuse(When when, int status = 0, std::string code = {}) {
    const std::lock_guard lock(mutex_);
    refuse_ = std::move(when);
    refusal_ = {status, std::move(code)};
  }
  void set_instance_policy(const std::string& type, Object data) {
    const std::lock_guard lock(mutex_);
    instance_policies_[type] = std::move(data);
  }
  std::map<std::string, Object> instance_policies() {
    const std::lock_guard lock(mutex_);
    return instance_policies_;
  }
  // Whether the caller counts as a service; how many keys and rotations it has room for.
  std::atomic<bool> is_service{true};
  std::atomic<std::size_t> room{1'000'000};
  std::atomic<int> rotations{1'000'000};
  std::atomic<unsigned> tokens_made{0};

  unsigned requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  // "METHOD /path" of every request, for what must not have been asked.
  std::vector<std::string> log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  std::string wrap(const std::string& ref, std::string_view dek, const client::AadList& aad) {
    const std::lock_guard lock(mutex_);
    return wrapped(*find(ref), to_base64(as_bytes(dek)), aad);
  }
  // Empty: does not open.
  std::string open(const std::string& ref, const std::string& wdek, const client::AadList& aad) {
    const std::lock_guard lock(mutex_);
    const auto text = from_base64(opened(*find(ref), wdek, aad));
    return text ? std::string(as_text(*text)) : std::string();
  }

 private:
  static net::Response json(int status, const boost::json::value& body) {
    net::Response response;
    response.status = status;
    response.body = boost::json::serialize(body);
    return response;
  }
  static net::Response failure(int status, std::string_view code, std::string_view text) {
    return json(status,
                Object{{"resources",
                        {Object{{"errorMsg", text},
                                {"reasons", {Object{{"code", code}, {"message", text}}}}}}}});
  }
  static net::Response resources(int status, boost::json::array items) {
    return json(status, Object{{"metadata", Object{{"collectionTotal", items.size()},
                                                   {"totalCount", items.size()}}},
                               {"resources", std::move(items)}});
  }
  static net::Response no_content() {
    net::Response response;
    response.status = 204;
    return response;
  }

  // A wrapped DEK names material and AAD only, so the same material opens it anywhere.
  static std::string wrapped(const FakeKey& key, const std::string& dek,
                             const client::AadList& aad) {
    const boost::json::array parts{key.material.back(), boost::json::array(aad.begin(), aad.end()),
                                   dek};
    return to_base64(as_bytes(boost::json::serialize(parts)));
  }
  static std::string opened(const FakeKey& key, const std::string& wdek,
                            const client::AadList& aad) {
    const auto bytes = from_base64(wdek);
    if (!bytes) return {};
    boost::json::error_code failed;
    const auto value = boost::json::parse(std::string(as_text(*bytes)), failed);
    if (failed || !value.is_array() || value.as_array().size() != 3) return {};
    const auto& parts = value.as_array();
    if (parts[1] != boost::json::array(aad.begin(), aad.end())) return {};
    for (const std::string& material : key.material)
      if (parts[0] == boost::json::value(material)) return std::string(parts[2].as_string());
    return {};
  }

  FakeKey* find(const std::string& ref) {
    const auto by_id = keys_.find(ref);
    if (by_id != keys_.end()) return &by_id->second;
    for (auto& [id, key] : keys_)
      if (std::count(key.aliases.begin(), key.aliases.end(), ref) > 0) return &key;
    return nullptr;
  }
  FakeKey& insert(FakeKey key) {
    char id[40];
    std::snprintf(id, sizeof id, "%08x-0000-4000-8000-%012x", instance_.empty() ? 0U : 1U,
                  ++last_id_);
    if (key.id.empty()) key.id = id;
    if (key.material.empty())
      key.material.push_back(to_base64(as_bytes("generated material " + std::to_string(last_id_))));
    return keys_[key.id] = std::move(key);
  }
  Object described(const FakeKey& key, bool with_payload) const {
    Object out{{"id", key.id},
               {"name", key.name},
               {"crn", "crn:v1:test:" + instance_ + ":key:" + key.id},
               {"state", key.state},
               {"extractable", !key.root},
               {"imported", key.imported},
               {"keyRingID", key.ring},
               {"aliases", boost::json::array(key.aliases.begin(), key.aliases.end())},
               {"tags", boost::json::array(key.tags.begin(), key.tags.end())}};
    const std::size_t versions = key.material.size();
    if (key.root) {
      const std::string number = versions > 1 ? "-v" + std::to_string(versions) : "";
      out["keyVersion"] = Object{{"id", key.id + number}};
    }
    out["dualAuthDelete"] = Object{{"enabled", key.policies.dual_auth_delete.value_or(false)}};
    if (key.policies.rotation) out["rotation"] = rotation_of(key);
    if (!key.description.empty()) out["description"] = key.description;
    if (!key.expires.empty()) out["expirationDate"] = key.expires;
    if (with_payload && !key.root) out["payload"] = key.material.front();
    return out;
  }

  static Object rotation_of(const FakeKey& key) {
    return {{"enabled", key.policies.rotation->enabled},
            {"interval_month", key.policies.rotation->months}};
  }

  void serve(net::Request& request, net::Reply& reply) {
    if (request.path == "/identity/token") {
      return reply(json(
          200,
          Object{{"access_token", "test-token"}, {"token_type", "Bearer"}, {"expires_in", 3600}}));
    }
    net::Response response;
    Trouble trouble = Trouble::None;
    {
      const std::lock_guard lock(mutex_);
      log_.push_back(std::string(request.method) + " " + std::string(request.path));
      ++requests_;
      if (requests_ == trouble_at_) trouble = trouble_;
      if (refuse_ && refuse_(request.method, request.path)) {
        response = failure(refusal_.first, refusal_.second, "refused by the test");
      } else {
        response = answer(request);
      }
    }
    if (trouble == Trouble::Status503) response = failure(503, "UNAVAILABLE", "lost in between");
    if (trouble == Trouble::Cut) proxy_->cut();
    reply(std::move(response));
  }

  net::Response answer(const net::Request& request) {
    if (request.header("bluemix-instance") != instance_)
      return failure(404, "INSTANCE_NOT_FOUND_ERR", "another instance");
    const std::vector<std::string> parts =
        split(request.path.substr(std::string_view("/api/v2/").size()));
    boost::json::value body;
    if (!request.body.empty())
      body = boost::json::parse(std::string(request.body.begin(), request.body.end()));
    if (parts[0] == "key_rings") return ring_call(request.method, parts);
    if (parts[0] == "instance") return instance_policy_call(request.method, body);
    if (parts[0] == "import_token") return import_token_call(request.method);
    if (parts.size() == 1) {
      if (request.method == "GET") return list(request.query);
      return create(request, body, parts[0] == "keys_with_policy_overrides");
    }
    if (parts[1] == "registrations") return list_registrations(nullptr);
    FakeKey* key = find(parts[1]);
    if (key == nullptr) return failure(404, "KEY_NOT_FOUND_ERR", "no such key");
    if (parts.size() == 2) return resources(200, {described(*key, true)});
    if (parts[2] == "metadata") return resources(200, {described(*key, false)});
    if (parts[2] == "versions") return versions(*key);
    if (parts[2] == "aliases") return alias_call(request.method, *key, parts[3]);
    if (parts[2] == "actions") return act(*key, parts[3], body);
    if (parts[2] == "policies") return policy_call(request.method, *key, body);
    if (parts[2] == "migrationIntent") return intent_call(request.method, *key, body);
    if (parts[2] == "registrations" && parts.size() == 3) return list_registrations(key);
    if (parts[2] == "registrations") return register_service(*key, parts[3], body);
    return failure(404, "PATH_NOT_FOUND_ERR", "not offered");
  }

  // The parts of a path, each decoded.
  static std::vector<std::string> split(std::string_view path) {
    std::vector<std::string> parts(1);
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (path[i] == '/') {
        parts.emplace_back();
      } else if (path[i] == '%' && i + 2 < path.size()) {
        parts.back() +=
            static_cast<char>(std::stoi(std::string(path.substr(i + 1, 2)), nullptr, 16));
        i += 2;
      } else {
        parts.back() += path[i];
      }
    }
    return parts;
  }

  net::Response ring_call(std::string_view method, const std::vector<std::string>& parts) {
    if (method == "POST") {
      if (!rings_.insert(parts[1]).second)
        return failure(409, "KEY_RING_RESOURCE_EXISTS_ERR", "the ring exists");
      return no_content();
    }
    boost::json::array out;
    for (const std::string& ring : rings_) out.push_back(Object{{"id", ring}});
    return resources(200, std::move(out));
  }

  net::Response list(std::string_view query) {
    boost::json::array out;
    if (query.find("offset=0") != std::string_view::npos)
      for (const auto& [id, key] : keys_) out.push_back(described(key, false));
    return resources(200, std::move(out));
  }

  net::Response versions(const FakeKey& key) {
    boost::json::array out;
    for (std::size_t i = key.material.size(); i > 0; --i)
      out.push_back(Object{{"id", key.id + "-v" + std::to_string(i)}});
    return resources(200, std::move(out));
  }

  net::Response instance_policy_call(std::string_view method, const boost::json::value& body) {
    if (method == "PUT") {
      const Object& one = body.at("resources").at(0).as_object();
      instance_policies_[std::string(one.at("policy_type").as_string())] =
          one.at("policy_data").as_object();
      return no_content();
    }
    boost::json::array out;
    for (const auto& [type, data] : instance_policies_)
      out.push_back(Object{{"policy_type", type}, {"policy_data", data}});
    return resources(200, std::move(out));
  }

  static client::KeyPolicies policies_of(const Object& from) {
    client::KeyPolicies out;
    if (from.contains("rotation")) {
      const Object& rotation = from.at("rotation").as_object();
      out.rotation =
          client::RotationPolicy{rotation.at("enabled").as_bool(),
                                 static_cast<int>(rotation.at("interval_month").as_int64())};
    }
    if (from.contains("dualAuthDelete"))
      out.dual_auth_delete = from.at("dualAuthDelete").at("enabled").as_bool();
    return out;
  }

  net::Response policy_call(std::string_view method, FakeKey& key, const boost::json::value& body) {
    if (method == "PUT") {
      const client::KeyPolicies given = policies_of(body.at("resources").at(0).as_object());
      if (given.rotation && key.imported) return failure(400, "KEY_PAYLOAD_REQ_ERR", "imported");
      if (given.rotation) key.policies.rotation = given.rotation;
      if (given.dual_auth_delete) key.policies.dual_auth_delete = given.dual_auth_delete;
    }
    boost::json::array out;
    if (key.policies.rotation) out.push_back(Object{{"rotation", rotation_of(key)}});
    if (key.policies.dual_auth_delete) {
      out.push_back(
          Object{{"dualAuthDelete", Object{{"enabled", *key.policies.dual_auth_delete}}}});
    }
    return resources(200, std::move(out));
  }

  net::Response intent_call(std::string_view method, FakeKey& key, const boost::json::value& body) {
    if (method == "POST") {
      if (!key.intent.empty()) return failure(409, "MIGRATION_INTENT_EXISTS_ERR", "there is one");
      key.intent = std::string(body.at("resources").at(0).at("targetCRK").as_string());
    }
    if (key.intent.empty()) return failure(404, "MIGRATION_INTENT_NOT_FOUND_ERR", "none");
    if (method == "DELETE") {
      key.intent.clear();
      return no_content();
    }
    return resources(method == "POST" ? 201 : 200,
                     {Object{{"id", "intent-" + key.id}, {"targetCRK", key.intent}}});
  }

  net::Response list_registrations(const FakeKey* of) {
    boost::json::array out;
    for (const auto& [id, key] : keys_) {
      if (of != nullptr && of != &key) continue;
      for (const client::Registration& one : key.registrations) {
        out.push_back(Object{{"keyId", id},
                             {"resourceCrn", one.resource_crn},
                             {"description", one.description},
                             {"preventKeyDeletion", one.prevent_key_deletion}});
      }
    }
    return resources(200, std::move(out));
  }

  net::Response register_service(FakeKey& key, const std::string& crn,
                                 const boost::json::value& body) {
    if (!is_service) return failure(403, "SERVICE_ONLY_ERR", "only services register");
    for (const client::Registration& one : key.registrations)
      if (one.resource_crn == crn) return failure(409, "REGISTRATION_EXISTS_ERR", "it is there");
    const Object& from = body.at("resources").at(0).as_object();
    client::Registration made;
    made.resource_crn = crn;
    if (from.contains("description")) made.description = from.at("description").as_string();
    made.prevent_key_deletion = from.at("preventKeyDeletion").as_bool();
    key.registrations.push_back(made);
    return list_registrations(&key);
  }

  static const crypto::OaepPrivateKey& token_key() {
    static const crypto::OaepPrivateKey key = crypto::OaepPrivateKey::generate(2048);
    return key;
  }

  net::Response import_token_call(std::string_view method) {
    Object out{{"expirationDate", "2090-01-01T00:00:00Z"}, {"remainingRetrievals", 1}};
    if (method == "POST") {
      ++tokens_made;
      nonce_ = Bytes(12, static_cast<std::uint8_t>(tokens_made.load()));
      return json(200, out);
    }
    if (nonce_.empty()) return failure(404, "IMPORT_TOKEN_NOT_FOUND_ERR", "none");
    const std::string pem = "-----BEGIN PUBLIC KEY-----\n" + to_base64(token_key().public_key()) +
                            "\n-----END PUBLIC KEY-----\n";
    out["payload"] = to_base64(as_bytes(pem));
    out["nonce"] = to_base64(nonce_);
    return json(200, out);
  }

  // The clear material of a payload (base64), opened if it came encrypted; empty if it does not.
  std::string material_of(const Object& from) {
    const std::string payload(from.at("payload").as_string());
    if (!from.contains("encryptedNonce")) return payload;
    const bool is_old = from.at("encryptionAlgorithm") == "RSAES_OAEP_SHA_1";
    const auto bytes = [&from](const char* name) {
      return from_base64(std::string(from.at(name).as_string())).value();
    };
    const auto opened = token_key().decrypt(
        bytes("payload"), is_old ? crypto::OaepHash::Sha1 : crypto::OaepHash::Sha256);
    if (!opened) return {};
    const Bytes iv = bytes("iv");
    const auto nonce = iv.size() == 12
                           ? crypto::aes_gcm_decrypt(*opened, iv, bytes("encryptedNonce"))
                           : crypto::aes_cbc_decrypt(*opened, iv, bytes("encryptedNonce"));
    if (!nonce || to_bytes(nonce->expose()) != nonce_) return {};
    return to_base64(opened->expose());
  }

  net::Response create(const net::Request& request, const boost::json::value& body,
                       bool has_overrides) {
    const Object& from = body.at("resources").at(0).as_object();
    FakeKey key;
    key.name = std::string(from.at("name").as_string());
    key.root = !from.at("extractable").as_bool();
    const auto text = [&from](const char* name) {
      return from.contains(name) ? std::string(from.at(name).as_string()) : std::string();
    };
    key.description = text("description");
    key.expires = text("expirationDate");
    if (from.contains("payload")) {
      key.material.push_back(material_of(from));
      if (key.material.back().empty()) return failure(400, "INCORRECT_NONCE_ERR", "wrong token");
      key.imported = true;
    }
    const auto dual_auth = instance_policies_.find("dualAuthDelete");
    if (has_overrides) {
      key.policies = policies_of(from);
    } else if (dual_auth != instance_policies_.end() && dual_auth->second.at("enabled").as_bool()) {
      key.policies.dual_auth_delete = true;
    }
    if (keys_.size() >= room) return failure(409, "KEY_LIMIT_ERR", "the instance is full");
    for (const char* name : {"aliases", "tags"}) {
      if (!from.contains(name)) continue;
      for (const auto& one : from.at(name).as_array())
        (*name == 'a' ? key.aliases : key.tags).emplace_back(one.as_string());
    }
    key.ring = std::string(request.header("x-kms-key-ring").value_or("default"));
    if (!rings_.contains(key.ring)) return failure(404, "KEY_RING_NOT_FOUND_ERR", "no such ring");
    for (const std::string& alias : key.aliases)
      if (find(alias) != nullptr)
        return failure(409, "KEY_ALIAS_NOT_UNIQUE_ERR", "the alias is taken");
    return resources(201, {described(insert(std::move(key)), true)});
  }

  net::Response alias_call(std::string_view method, FakeKey& key, const std::string& alias) {
    if (method == "DELETE") {
      if (std::erase(key.aliases, alias) == 0)
        return failure(404, "KEY_ALIAS_NOT_FOUND_ERR", "no such alias");
      return no_content();
    }
    if (find(alias) != nullptr)
      return failure(409, "KEY_ALIAS_NOT_UNIQUE_ERR", "the alias is taken");
    if (key.aliases.size() == 5) return failure(409, "KEY_ALIAS_LIMIT_ERR", "five at most");
    key.aliases.push_back(alias);
    return resources(201, {Object{{"keyId", key.id}, {"alias", alias}}});
  }

  net::Response act(FakeKey& key, const std::string& action, const boost::json::value& body) {
    if (action == "disable" || action == "enable") {
      const int from = action == "enable" ? client::kSuspended : client::kActive;
      if (key.state != from) return failure(409, "KEY_ACTION_INVALID_STATE_ERR", "wrong state");
      key.state = action == "enable" ? client::kActive : client::kSuspended;
      return no_content();
    }
    if (!key.root) return failure(400, "KEY_ROOT_REQ_ERR", "not a root key");
    if (action == "rotate") {
      if (rotations <= 0) return failure(409, "KEY_ROTATION_NOT_PERMITTED", "once an hour");
      --rotations;
      key.material.push_back(material_of(body.as_object()));
      return no_content();
    }
    if (key.state != client::kActive)
      return failure(409, "KEY_ACTION_INVALID_STATE_ERR", "the key is not active");
    client::AadList aad;
    if (body.as_object().contains("aad"))
      for (const auto& one : body.at("aad").as_array()) aad.emplace_back(one.as_string());
    if (action == "wrap") {
      const std::string dek(body.at("plaintext").as_string());
      return json(200, Object{{"ciphertext", wrapped(key, dek, aad)}});
    }
    const std::string dek = opened(key, std::string(body.at("ciphertext").as_string()), aad);
    if (dek.empty()) return failure(422, "UNPROCESSABLE_CIPHERTEXT_ERR", "it does not open");
    return json(200, Object{{"plaintext", dek}});
  }

  std::string instance_;
  std::string ca_pem_;
  std::mutex mutex_;
  std::map<std::string, FakeKey> keys_;
  std::set<std::string> rings_ = {"default"};
  std::map<std::string, Object> instance_policies_;
  Bytes nonce_;  // of the import token
  When refuse_;
  std::pair<int, std::string> refusal_;
  std::vector<std::string> log_;
  unsigned last_id_ = 0;
  unsigned requests_ = 0;
  unsigned trouble_at_ = 0;
  Trouble trouble_ = Trouble::None;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<Proxy> proxy_;
};

// Keeps what it is told.
class Notes final : public Observer {
 public:
  void progress(std::uint64_t done, std::uint64_t) override { last = done; }
  void note(const std::string& line) override { lines.push_back(line); }
  std::string text() const {
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
  }
  std::uint64_t last = 0;
  std::vector<std::string> lines;
};

// A source with one key of each kind, and an empty target.
struct Migration {
  static constexpr std::string_view kPlanId = "0a1b2c3d-0000-4000-8000-000000000001";
  FakeService source{"source-instance"};
  FakeService target{"target-instance"};
  TemporaryDirectory directory;
  std::vector<std::string> material;  // of `imported`, base64, oldest first
  std::string imported, generated, standard, suspended, destroyed;
  Plan plan;

  Migration() {
    for (int i = 1; i <= 3; ++i)
      material.push_back(to_base64(Bytes(32, static_cast<std::uint8_t>(i))));
    source.add_ring("finance");
    imported = source.add({.name = "orders",
                           .description = "brought along",
                           .tags = {"a", "b"},
                           .imported = true,
                           .expires = "2090-01-01T00:00:00Z",
                           .material = material});
    generated = source.add({.name = "payroll",
                            .aliases = {"payroll", "wages"},
                            .ring = "finance",
                            .material = {"dg==", "dw=="}});
    standard = source.add({.name = "password", .root = false, .material = {"c2VjcmV0"}});
    suspended = source.add({.name = "resting", .state = client::kSuspended});
    destroyed = source.add({.name = "gone", .state = client::kDestroyed});
    std::string csv = "id,payload\n";
    for (const std::string& one : material) csv += imported + "," + one + "\n";
    directory.write("material.csv", csv);
    auto made =
        make_plan(source.side(), target.side(), source.ref(), target.ref(), std::string(kPlanId),
                  InventoryCount(), owner_material(), Timestamp::from_seconds(1'800'000'000));
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    if (made) plan = std::move(*made);
  }
  Material owner_material() const {
    auto loaded = Material::load_csv(directory / "material.csv");
    EXPECT_TRUE(loaded);
    return std::move(*loaded);
  }
  std::unique_ptr<Journal> journal() const {
    auto opened =
        Journal::open(directory / "journal", {plan.id, plan.source.instance, plan.target.instance});
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return std::move(*opened);
  }
  void forget_journal() const { std::filesystem::remove(directory / "journal"); }
  const PlannedKey& planned(const std::string& id) const { return *plan.find(id); }

  // Nothing twice, nothing missing, nothing left over.
  void expect_all_carried() {
    const std::vector<FakeKey> keys = target.keys();
    std::multiset<std::string> names;
    for (const FakeKey& key : keys) {
      names.insert(key.name);
      for (const std::string& alias : key.aliases)
        EXPECT_FALSE(alias.starts_with(kTemporaryAliasPrefix)) << alias;
      if (key.name == "orders") {
        EXPECT_EQ(key.material, material);
        EXPECT_EQ(key.expires, "2090-01-01T00:00:00Z");
        EXPECT_EQ(key.tags, (std::vector<std::string>{"a", "b"}));
      }
      if (key.name == "payroll") {
        EXPECT_EQ(key.aliases, (std::vector<std::string>{"payroll", "wages"}));
        EXPECT_EQ(key.ring, "finance");
        EXPECT_EQ(key.material.size(), 1U);
      }
      if (key.name == "password") {
        EXPECT_EQ(key.material.front(), "c2VjcmV0");
      }
      EXPECT_EQ(key.state, key.name == "resting" ? client::kSuspended : client::kActive);
    }
    EXPECT_EQ(names, (std::multiset<std::string>{"orders", "password", "payroll", "resting"}));
    EXPECT_EQ(target.rings(), (std::set<std::string>{"default", "finance"}));
  }
};

}  // namespace keyhaven::migrate::testing
